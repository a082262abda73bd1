//! What a publisher says of itself in its stream name: the key, and what comes with it. The ingest's side of
//! [`crate::IngestAddress`].

use units::Secret;

use crate::limits::MAX_PRIORITY;

/// The query argument with the id of the configuration (the guide, "Connect Using Enhanced RTMP").
const CONFIG_ID_ARGUMENT: &str = "clientConfigId";

/// The argument with the priority of a takeover (the guide, "Stream Takeover").
const PRIORITY_ARGUMENT: &str = "priority";

/// The argument that says that nobody shall see the stream (the guide, "Connect Using Enhanced RTMP"). The guide shows
/// it with the value 1 and does not say what else it can be; "true" is what other broadcast software sends.
const TEST_ARGUMENT: &str = "bandwidthtest";
const TEST_VALUES: [&str; 2] = ["1", "true"];

/// What an SRT stream id of several fields begins with (the guide, "Stream Takeover").
const SRT_FIELDS: &str = "#!::";

/// Field of an SRT stream id with the key (ibid.).
const SRT_KEY_FIELD: &str = "u";

/// A stream name, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamName {
    /// The key without arguments; empty when there was none.
    pub key: Secret,
    /// `priority`.
    pub priority: Priority,
    /// `clientConfigId`.
    pub config_id: Option<String>,
    /// `bandwidthtest=1`.
    pub is_test: bool,
}

/// The priority that a publisher came with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// None: it wants the channel only when it is free.
    #[default]
    None,
    /// 1 to [`MAX_PRIORITY`].
    Of(u32),
    /// No number, or none of these.
    OutOfRange,
}

impl Priority {
    /// The priority, when it is one.
    pub const fn value(self) -> Option<u32> {
        match self {
            Self::Of(priority) => Some(priority),
            Self::None | Self::OutOfRange => None,
        }
    }
}

impl StreamName {
    /// Reads the stream name of RTMP's `publish`: `KEY?priority=2&clientConfigId=ID`.
    pub fn of_rtmp(stream_name: &Secret) -> Self {
        let name = stream_name.expose();
        let (key, arguments) = name.split_once('?').unwrap_or((name, ""));
        let mut name = Self { key: Secret::new(key), ..Self::default() };
        for argument in arguments.split('&') {
            let (argument, value) = argument.split_once('=').unwrap_or((argument, ""));
            name.take(argument, value);
        }
        name
    }

    /// Reads an SRT stream id: `KEY`, or `#!::u=KEY,priority=2`. Other fields mean nothing here.
    pub fn of_srt(stream_id: &Secret) -> Self {
        let Some(fields) = stream_id.expose().strip_prefix(SRT_FIELDS) else {
            return Self::of_rtmp(stream_id);
        };
        let mut name = Self::default();
        for field in fields.split(',') {
            let (field, value) = field.split_once('=').unwrap_or((field, ""));
            if field == SRT_KEY_FIELD {
                name.key = Secret::new(value);
            } else {
                name.take(field, value);
            }
        }
        name
    }

    fn take(&mut self, name: &str, value: &str) {
        match name {
            PRIORITY_ARGUMENT => {
                let priority = value.parse().ok().filter(|number| (1..=MAX_PRIORITY.value).contains(number));
                self.priority = priority.map_or(Priority::OutOfRange, Priority::Of);
            }
            CONFIG_ID_ARGUMENT => self.config_id = Some(String::from(value)),
            TEST_ARGUMENT => self.is_test = TEST_VALUES.contains(&value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rtmp(name: &str) -> StreamName {
        StreamName::of_rtmp(&Secret::new(name))
    }

    fn srt(id: &str) -> StreamName {
        StreamName::of_srt(&Secret::new(id))
    }

    #[test]
    fn the_guides_forms_are_read() {
        let plain = StreamName { key: Secret::new("sk_1"), ..StreamName::default() };
        assert_eq!(rtmp("sk_1"), plain);
        assert_eq!(srt("sk_1"), plain);
        assert_eq!(srt("#!::u=sk_1"), plain);
        let taking = StreamName { priority: Priority::Of(2), ..plain.clone() };
        assert_eq!(rtmp("sk_1?priority=2"), taking);
        assert_eq!(srt("#!::u=sk_1,priority=2"), taking);
        assert_eq!(srt("#!::priority=2,m=publish,u=sk_1"), taking);
        let all = StreamName { config_id: Some(String::from("id")), is_test: true, ..taking };
        assert_eq!(rtmp("sk_1?bandwidthtest=1&clientConfigId=id&priority=2"), all);
        assert!(!rtmp("sk_1?bandwidthtest=0").is_test && rtmp("sk_1?bandwidthtest=true").is_test);
    }

    #[test]
    fn priorities_go_from_one_to_the_guides_highest() {
        for (text, priority) in [
            ("1", Priority::Of(1)),
            ("2147483647", Priority::Of(2_147_483_647)),
            ("2147483648", Priority::OutOfRange),
            ("0", Priority::OutOfRange),
            ("-1", Priority::OutOfRange),
            ("", Priority::OutOfRange),
            ("1.5", Priority::OutOfRange),
            ("99999999999999999999", Priority::OutOfRange),
        ] {
            assert_eq!(rtmp(&format!("k?priority={text}")).priority, priority, "{text}");
        }
        assert_eq!(rtmp("k?priority").priority, Priority::OutOfRange);
    }

    #[test]
    fn what_an_address_says_is_what_the_ingest_reads() {
        let key = Secret::new("sk_us-west-2_abcdef");
        let address: crate::IngestAddress = "rtmps://host/app?bandwidthtest=1".parse().unwrap();
        let address = address.with_priority(2001).unwrap().with_argument("clientConfigId", "id").unwrap();
        let read = StreamName::of_rtmp(&address.rtmp_target(&key).unwrap().stream_name);
        let config_id = Some(String::from("id"));
        assert_eq!(read, StreamName { key, priority: Priority::Of(2001), config_id, is_test: true });
    }

    proptest! {
        #[test]
        fn anything_can_be_read(name in ".*") {
            let (read, also) = (rtmp(&name), srt(&name));
            prop_assert!(name.contains(read.key.expose()) && name.contains(also.key.expose()));
        }
    }
}
