//! The list of GStreamer plugins in the Windows package, held against the sources: every element that the program may
//! name is in the package or left out for a stated reason, and nothing is in it that nothing needs.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Crates that make elements. The others cannot: only these know GStreamer (app/tests/arrows.rs), or hand names to them.
const MAKERS: &[&str] =
    &["app/src", "crates/capture/src", "crates/ingest/src", "crates/net/src", "encoder/src"];

/// What an element that exists only with special hardware or on another system is called.
const ELEMENT_ENDINGS: &[&str] = &["enc", "dec", "src", "sink", "parse", "mux", "demux", "convert"];

#[derive(Default)]
struct List {
    /// Element → plugin, for those that the program names.
    named: BTreeMap<String, String>,
    hardware: BTreeMap<String, String>,
    media: BTreeMap<String, String>,
    left_out: BTreeSet<String>,
    words: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn lines(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(path)).unwrap();
    text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn list() -> List {
    let mut list = List::default();
    for line in lines("packaging/windows/plugins.list") {
        let (kind, rest) = line.split_once(char::is_whitespace).unwrap();
        let (name, rest) = rest.trim().split_once(':').unwrap();
        assert!(!rest.trim().is_empty(), "no elements or reason: {line}");
        let elements = rest.split_whitespace().filter(|element| *element != "-").map(str::to_owned);
        let into = match kind {
            "named" => &mut list.named,
            "hardware" => &mut list.hardware,
            "media" => &mut list.media,
            "left-out" => {
                list.left_out.insert(name.to_owned());
                continue;
            }
            "word" => {
                list.words.insert(name.to_owned());
                continue;
            }
            _ => panic!("unknown kind: {line}"),
        };
        for element in elements {
            assert!(into.insert(element, name.to_owned()).is_none(), "twice: {line}");
        }
    }
    list
}

/// Element → plugin of everything GStreamer for Windows has.
fn known() -> BTreeMap<String, String> {
    lines("packaging/windows/elements.txt")
        .iter()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(plugin, element)| (element.to_owned(), plugin.to_owned()))
        .collect()
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            rust_files(&path, into);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            into.push(path);
        }
    }
}

/// Every string in the sources that is written like the name of an element, tests left out.
fn strings() -> BTreeSet<String> {
    let mut files = Vec::new();
    for maker in MAKERS {
        rust_files(&root().join(maker), &mut files);
    }
    assert!(files.len() > 50, "the sources are not where they should be");
    let is_name = |text: &&str| {
        text.len() > 2
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c))
    };
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let program = text.split("\n#[cfg(test)]\nmod ").next().unwrap();
        for line in program.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // Every piece between two quotes: a string or what lies between two of them, which is no name.
            found.extend(line.split('"').filter(is_name).map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_element_the_program_names_is_in_the_package_or_left_out_for_a_reason() {
    let (list, known, strings) = (list(), known(), strings());
    let missing: Vec<String> = strings
        .iter()
        .filter(|name| !list.left_out.contains(*name) && !list.words.contains(*name))
        .filter_map(|name| {
            let plugin = known.get(name)?;
            (!list.named.contains_key(name)).then(|| format!("named     {plugin}: {name}"))
        })
        .collect();
    assert!(
        missing.is_empty(),
        "packaging/windows/plugins.list lacks these (or a `word` or `left-out` line): {missing:#?}"
    );
}

/// Elements that only exist with hardware or elsewhere are in no table, but they are called as elements are.
#[test]
fn names_that_no_table_knows_are_listed_too() {
    let (list, known, strings) = (list(), known(), strings());
    let missing: Vec<&String> = strings
        .iter()
        .filter(|name| !name.contains('-') && !name.contains('_') && !known.contains_key(*name))
        .filter(|name| ELEMENT_ENDINGS.iter().any(|end| name.len() > end.len() + 1 && name.ends_with(end)))
        .filter(|name| {
            !list.hardware.contains_key(*name)
                && !list.left_out.contains(*name)
                && !list.words.contains(*name)
        })
        .collect();
    assert!(
        missing.is_empty(),
        "`hardware`, `left-out` or `word` in packaging/windows/plugins.list: {missing:?}"
    );
}

#[test]
fn nothing_is_in_the_package_that_nothing_needs() {
    let (list, known, strings) = (list(), known(), strings());
    for (element, plugin) in list.named.iter().chain(&list.hardware) {
        assert!(
            strings.contains(element),
            "{element} of {plugin} is on the list, but the program does not name it"
        );
    }
    for (element, plugin) in list.named.iter().chain(&list.media) {
        let holder = known.get(element);
        assert_eq!(holder, Some(plugin), "{element} is not in {plugin}");
    }
    for word in list.left_out.iter().chain(&list.words) {
        assert!(strings.contains(word), "{word} is on the list, but the program does not name it");
    }
    for element in list.media.keys() {
        assert!(!strings.contains(element), "the program names {element}: make its line `named`");
    }
}

#[test]
fn nothing_under_the_gpl_is_in_the_package() {
    let list = list();
    let plugins: BTreeSet<&String> =
        list.named.values().chain(list.hardware.values()).chain(list.media.values()).collect();
    // What the wheels gstreamer-plugins-gpl and gstreamer-plugins-gpl-restricted 1.28.7 hold.
    for gpl in ["a52dec", "dtsdec", "dvdread", "resindvd", "x264", "x265"] {
        assert!(!plugins.contains(&gpl.to_owned()), "{gpl} is under the GPL");
    }
}
