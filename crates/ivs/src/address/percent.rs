//! Percent escapes of RFC 3986, 2.1, for the values of SRT arguments.

/// Appends `text` to `url`, escaping what would end a query value. `#` stays: the guide writes stream ids as
/// `#!::u=…` ("Stream Takeover").
pub(super) fn encode_into(url: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_ascii_graphic() && !matches!(c, '&' | '%' | '+') {
            url.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

/// `text` with escapes resolved; `None` when one is broken or the result is not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
