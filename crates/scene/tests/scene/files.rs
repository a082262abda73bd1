use proptest::prelude::*;
use scene::{Notice, ReadError, from_json, to_json};

use crate::demo;

#[test]
fn the_demo_file_looks_like_this() {
    insta::assert_snapshot!(to_json(&demo()).unwrap());
}

/// The demo's file with one thing replaced, which must be there.
fn spoilt(old: &str, new: &str) -> String {
    let text = to_json(&demo()).unwrap();
    assert!(text.contains(old), "{old}");
    text.replacen(old, new, 1)
}

fn refusal(text: &str) -> String {
    from_json(text).unwrap_err().to_string()
}

#[test]
fn reads_back_what_it_writes() {
    let loaded = from_json(&to_json(&demo()).unwrap()).unwrap();
    assert_eq!(loaded.collection, demo());
    assert_eq!(loaded.notices, []);
    let marked = format!("\u{feff}{}", to_json(&demo()).unwrap());
    assert_eq!(from_json(&marked).unwrap().collection, demo());
}

#[test]
fn says_where_a_file_is_wrong() {
    let alpha = "\"alpha\": 1.0";
    assert_eq!(
        refusal(&spoilt(alpha, "\"alpha\": 3")),
        "scenes[0].items[0].slot.alpha: 3 is not between 0 and 1"
    );
    assert_eq!(
        refusal(&spoilt(alpha, "\"alpha\": \"high\"")),
        "scenes[0].items[0].slot.alpha: invalid type: string \"high\", expected f32"
    );
    assert_eq!(
        refusal(&spoilt("\"aspect\": \"none\"", "\"aspect\": \"wide\"")),
        "scenes[0].items[0].slot.aspect: unknown variant `wide`, expected one of `fit`, `fill`, `none`"
    );
    assert_eq!(
        refusal(&spoilt("\"source\": 1", "\"source\": 77")),
        "scenes[0].items[0].source: there is no source 77"
    );
    assert!(
        refusal(&spoilt("\"kind\": \"camera\"", "\"kind\": \"drone\""))
            .starts_with("sources[2]: unknown variant")
    );
    assert_eq!(refusal(&spoilt("\"name\": \"Demo\"", "\"name\": \"\"")), "name: a name can not be empty");
    assert_eq!(
        refusal(&spoilt("\"gain\": 1.0", "\"gain\": 1e99")),
        "sources[0].gain: inf is not between 0 and 2"
    );
    assert_eq!(refusal("{\"genlock_scenes\": 1, \"name\": \"x\", \"sources\": []}"), "scenes: missing");
    assert_eq!(
        refusal("{\"genlock_scenes\": 1, \"name\": \"x\", \"sources\": [], \"scenes\": []}"),
        "scenes: a collection has at least one scene"
    );
}

#[test]
fn says_what_is_not_a_collection_at_all() {
    assert_eq!(
        refusal("{\n  \"genlock_scenes\": 1,,\n}"),
        "not readable at line 2, column 23: key must be a string"
    );
    assert!(matches!(from_json(""), Err(ReadError::Syntax { .. })));
    for other in ["[]", "{}", "12", "{\"genlock_scenes\": \"one\"}", "{\"genlock_scenes\": 0}"] {
        assert_eq!(from_json(other), Err(ReadError::NotACollection), "{other}");
    }
    assert_eq!(from_json("{\"genlock_scenes\": 2}"), Err(ReadError::TooNew { found: 2 }));
    let deep = "[".repeat(100_000);
    assert!(matches!(from_json(&deep), Err(ReadError::Syntax { .. })), "no stack overflow");
}

#[test]
fn unknown_fields_are_reported() {
    let text = spoilt("\"name\": \"Demo\"", "\"name\": \"Demo\", \"author\": \"me\"").replacen(
        "\"alpha\": 1.0",
        "\"alpha\": 1.0, \"rotation\": 90",
        1,
    );
    let loaded = from_json(&text).unwrap();
    assert_eq!(loaded.collection, demo());
    let mut paths: Vec<String> = loaded
        .notices
        .iter()
        .map(|notice| match notice {
            Notice::UnknownField { path } => path.clone(),
            other => panic!("{other}"),
        })
        .collect();
    paths.sort();
    assert_eq!(paths, ["author", "scenes[0].items[0].slot.rotation"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = from_json(&text);
    }

    #[test]
    fn no_damage_makes_it_panic(cut in 0usize..6000, byte in any::<char>()) {
        let text = to_json(&demo()).unwrap();
        let at = text.char_indices().map(|(at, _)| at).nth(cut % text.len()).unwrap_or(0);
        let _ = from_json(&text[..at]);
        let _ = from_json(&format!("{}{byte}{}", &text[..at], text.get(at + 1..).unwrap_or("")));
    }
}

#[test]
fn files_of_before_there_were_borders_and_programs_are_read() {
    let written = to_json(&demo()).unwrap();
    let before: String =
        written.lines().filter(|line| !line.contains("show_border") && !line.contains("hide_own")).collect();
    assert_eq!(from_json(&before).unwrap().collection, demo());
    let with_program = spoilt(
        "\"kind\": \"desktop_audio\",",
        "\"kind\": \"desktop_audio\", \"program\": {\"program\": \"game.exe\", \"all_but\": true},",
    );
    let read = from_json(&with_program).unwrap().collection;
    let heard = read.sources.iter().find_map(|source| match &source.kind {
        scene::SourceKind::DesktopAudio { program, .. } => program.clone(),
        _ => None,
    });
    let wanted = scene::ProgramSelector { program: "game.exe".into(), title: None, all_but: true };
    assert_eq!(heard, Some(wanted));
    let long =
        format!("\"kind\": \"desktop_audio\", \"program\": {{\"program\": \"{}\"}},", "x".repeat(200_000));
    let long = refusal(&spoilt("\"kind\": \"desktop_audio\",", &long));
    assert!(long.contains(".program.program: longer than "), "{long}");
}
