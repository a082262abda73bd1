use super::*;
use proptest::prelude::*;
use std::vec;

fn text(max: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..max).prop_map(|chars| chars.into_iter().collect())
}

/// Any value but NaN, which equals nothing.
pub(crate) fn value() -> impl Strategy<Value = Value> {
    let number = any::<f64>().prop_filter("NaN", |number| !number.is_nan());
    let leaf = prop_oneof![
        number.clone().prop_map(Value::Number),
        any::<bool>().prop_map(Value::Boolean),
        text(20).prop_map(Value::String),
        Just(Value::Null),
        Just(Value::Undefined),
        any::<u16>().prop_map(Value::Reference),
        (number, any::<i16>()).prop_map(|(unix_ms, zone_minutes)| Value::Date { unix_ms, zone_minutes }),
        Just(Value::Unsupported),
        text(20).prop_map(Value::XmlDocument),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let members = || proptest::collection::vec((text(6), inner.clone()), 0..6);
        prop_oneof![
            members().prop_map(Value::Object),
            members().prop_map(Value::EcmaArray),
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::StrictArray),
            (text(6), members()).prop_map(|(class, properties)| Value::TypedObject { class, properties }),
        ]
    })
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_fields_of_connect_have_the_bytes_of_the_specification() {
    let object = Value::object([
        ("capsEx", Value::from(3.0)),
        ("videoFourCcInfoMap", Value::object([("avc1", Value::from(2.0)), ("hvc1", Value::from(2.0))])),
    ]);
    // Worked out by hand from AMF0, 2.2 and 2.5.
    let expected = [
        b"\x03\x00\x06capsEx\x00\x40\x08\x00\x00\x00\x00\x00\x00".as_slice(),
        b"\x00\x12videoFourCcInfoMap\x03",
        b"\x00\x04avc1\x00\x40\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x04hvc1\x00\x40\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x00\x09\x00\x00\x09",
    ]
    .concat();
    assert_eq!(encoded(&object), expected);
    assert_eq!(decode(&expected), Ok((object, [].as_slice())));
}

#[test]
fn an_ecma_array_may_lie_about_its_count() {
    let bytes = b"\x08\xFF\xFF\xFF\xFF\x00\x01a\x05\x00\x00\x09rest";
    let array = Value::EcmaArray(properties([("a", Value::Null)]));
    assert_eq!(decode(bytes), Ok((array, b"rest".as_slice())));
}

#[test]
fn an_empty_name_is_a_name_unless_the_end_marker_follows() {
    let object = Value::object([("", Value::from(true)), ("b", Value::Undefined)]);
    assert_eq!(decode(&encoded(&object)), Ok((object, [].as_slice())));
}

#[test]
fn texts_over_64_kb_take_the_long_form() {
    let long = Value::string("x".repeat(70_000));
    let bytes = encoded(&long);
    assert_eq!(bytes[..5], [0x0C, 0, 1, 0x11, 0x70]);
    assert_eq!(decode(&bytes), Ok((long, [].as_slice())));
    let name = Value::object([("x".repeat(70_000).as_str(), Value::Null)]);
    assert!(matches!(encode(&name, &mut Vec::new()), Err(Error::Misused { .. })));
}

#[test]
fn depth_and_number_of_values_are_limited() {
    let deep = |levels: usize| [[0x0A, 0, 0, 0, 1].repeat(levels), vec![0x05]].concat();
    assert!(decode(&deep(MAX_DEPTH)).is_ok());
    assert!(matches!(decode(&deep(MAX_DEPTH + 1)), Err(Error::TooLarge { .. })));
    assert!(matches!(decode(&deep(100_000)), Err(Error::TooLarge { .. })), "the stack is safe");
    let mut many = vec![0x0A, 0xFF, 0xFF, 0xFF, 0xFF];
    many.resize(200_000, 0x05);
    assert!(matches!(decode(&many), Err(Error::TooLarge { what: "AMF values", .. })));
    let mut nested = Value::Null;
    for _ in 0..=MAX_DEPTH {
        nested = Value::StrictArray(vec![nested]);
    }
    assert!(matches!(encode(&nested, &mut Vec::new()), Err(Error::Misused { .. })));
}

#[test]
fn what_is_not_amf0_is_named() {
    assert_eq!(decode(&[0x11, 0]).unwrap_err().fault(), crate::Fault::Compatibility);
    assert_eq!(decode(&[0x04]).unwrap_err().fault(), crate::Fault::Bytes, "movie clips are reserved");
    assert_eq!(decode(b"\x02\x00\x02\xC3\x28").unwrap_err().fault(), crate::Fault::Bytes, "not UTF-8");
    assert_eq!(decode_all(&[5, 6, 0]), Err(ENDS_EARLY));
}

proptest! {
    #[test]
    fn decoding_inverts_encoding(values in proptest::collection::vec(value(), 0..4)) {
        let mut bytes = Vec::new();
        for value in &values {
            encode(value, &mut bytes).unwrap();
        }
        prop_assert_eq!(decode_all(&bytes), Ok(values));
    }

    #[test]
    fn no_truncation_decodes_or_panics(value in value(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&value);
        let cut = cut.index(bytes.len());
        prop_assert!(decode(&bytes[..cut]).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_all(&bytes);
    }
}
