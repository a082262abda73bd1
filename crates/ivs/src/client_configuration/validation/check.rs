//! Looking at JSON member by member, collecting every complaint instead of stopping at the first.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Complaint;
use crate::client_configuration::json::kind;

/// Most complaints that are made; a request of a thousand graphics cards needs no thousand of them.
const MAX_COMPLAINTS: usize = 100;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Check {
    pub(super) complaints: Vec<Complaint>,
    pub(super) unknown: Vec<String>,
}

impl Check {
    fn complain(&mut self, path: &str, expected: &'static str, found: &'static str) {
        if self.complaints.len() < MAX_COMPLAINTS {
            self.complaints.push(Complaint { path: path.into(), expected, found });
        }
    }
}

/// An object whose members are looked at.
#[derive(Debug)]
pub(super) struct Members<'a> {
    members: &'a Map<String, Value>,
    path: String,
    asked: BTreeSet<&'static str>,
}

impl<'a> Members<'a> {
    pub(super) fn top(check: &mut Check, body: &'a Value) -> Option<Self> {
        Part { value: Some(body), path: "the body".into(), is_required: true, may_be_null: false }
            .object(check)
            .map(|top| Self { path: String::new(), ..top })
    }

    /// A member that must be there and not `null`.
    pub(super) fn must(&mut self, name: &'static str) -> Part<'a> {
        self.member(name, true, false)
    }

    pub(super) fn member(&mut self, name: &'static str, is_required: bool, may_be_null: bool) -> Part<'a> {
        self.asked.insert(name);
        let dot = if self.path.is_empty() { "" } else { "." };
        let path = format!("{}{dot}{name}", self.path);
        Part { value: self.members.get(name), path, is_required, may_be_null }
    }

    /// A complaint about the object as a whole.
    pub(super) fn complain(&self, check: &mut Check, expected: &'static str) {
        check.complain(&self.path, expected, "something else");
    }

    /// Notes the members that nobody looked at.
    pub(super) fn finish(self, check: &mut Check) {
        let dot = if self.path.is_empty() { "" } else { "." };
        for name in self.members.keys().filter(|name| !self.asked.contains(name.as_str())) {
            if check.unknown.len() < MAX_COMPLAINTS {
                check.unknown.push(format!("{}{dot}{name}", self.path));
            }
        }
    }
}

/// A value that may or may not be there.
#[derive(Debug)]
pub(super) struct Part<'a> {
    value: Option<&'a Value>,
    path: String,
    is_required: bool,
    may_be_null: bool,
}

impl<'a> Part<'a> {
    pub(super) const fn is_missing(&self) -> bool {
        self.value.is_none()
    }

    pub(super) fn is_empty_list(&self) -> bool {
        self.value.and_then(Value::as_array).is_some_and(Vec::is_empty)
    }

    pub(super) fn complain(&self, check: &mut Check, expected: &'static str) {
        check.complain(&self.path, expected, self.value.map_or("missing", kind));
    }

    /// The value that `read` takes; complains about any other.
    fn read<T>(
        &self,
        check: &mut Check,
        expected: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        match self.value {
            None if !self.is_required => None,
            Some(Value::Null) if self.may_be_null => None,
            value => {
                let read = value.and_then(read);
                if read.is_none() {
                    self.complain(check, expected);
                }
                read
            }
        }
    }

    pub(super) fn object(&self, check: &mut Check) -> Option<Members<'a>> {
        let members = self.read(check, "an object", Value::as_object)?;
        Some(Members { members, path: self.path.clone(), asked: BTreeSet::new() })
    }

    pub(super) fn elements(&self, check: &mut Check) -> Vec<Self> {
        let elements = self.read(check, "a list", Value::as_array).map_or(&[][..], Vec::as_slice);
        let part = |(index, value)| Self {
            value: Some(value),
            path: format!("{}[{index}]", self.path),
            is_required: true,
            may_be_null: false,
        };
        elements.iter().enumerate().map(part).collect()
    }

    pub(super) fn text<T>(
        &self,
        check: &mut Check,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.read(check, expected, |value| value.as_str().and_then(read))
    }

    /// A whole number, written as one: `2.0` is none.
    pub(super) fn whole<T>(
        &self,
        check: &mut Check,
        expected: &'static str,
        read: impl FnOnce(u64) -> Option<T>,
    ) -> Option<T> {
        self.read(check, expected, |value| value.as_u64().and_then(read))
    }

    pub(super) fn flag(&self, check: &mut Check) -> Option<bool> {
        self.read(check, "true or false", Value::as_bool)
    }
}
