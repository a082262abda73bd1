//! What the service tells the person, as HTML, made harmless: plain text and the links in it.

mod html;

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
    /// What it is called in the text, at most 256 characters; its address when it has no text.
    pub text: String,
    /// Where it leads: `https:` or `http:`, without user name; a host in other scripts than Latin in its ASCII form.
    pub url: String,
}

impl Message {
    /// Reads HTML, however broken: tags are taken away, blocks and breaks become new lines, entities become characters,
    /// scripts, styles and comments go, and so do characters that steer a display. Of links those to `http` and `https`
    /// are kept.
    pub fn from_html(html: &str) -> Self {
        let html = cut(html, MAX_HTML_BYTES);
        let content = html::read(html);
        let text = content.text.chars().take(MAX_TEXT_CHARS).collect();
        let links =
            content.links.iter().filter_map(|(href, text)| link(href, text)).take(MAX_LINKS).collect();
        Self { text, links, html: html.into() }
    }

    /// A message of plain text.
    pub fn from_text(text: &str) -> Self {
        let escaped =
            text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>");
        Self::from_html(&escaped)
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

/// A link that may be shown.
fn link(href: &str, text: &str) -> Option<Link> {
    let url = Url::parse(href.trim()).ok()?;
    let is_web = matches!(url.scheme(), "https" | "http") && url.has_host();
    // A user name in front of the host is there to be mistaken for the host.
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_web || !is_plain || url.as_str().len() > MAX_URL_BYTES {
        return None;
    }
    let text: String = text.trim().chars().take(MAX_LINK_TEXT_CHARS).collect();
    let text = if text.is_empty() { url.as_str().into() } else { text };
    Some(Link { text, url: url.into() })
}

/// The beginning of `text`, at most `bytes` long, cut between characters.
fn cut(text: &str, bytes: usize) -> &str {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= bytes).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(html: &str) -> String {
        Message::from_html(html).text
    }

    fn links(html: &str) -> Vec<(String, String)> {
        Message::from_html(html).links.into_iter().map(|link| (link.text, link.url)).collect()
    }

    /// obs-multitrack.md 1.13.
    #[test]
    fn the_message_of_answer_b() {
        let message = Message::from_html(
            "Your graphics driver is close to the minimum version. <a href=\"https://example.com/d\">Update</a> soon.",
        );
        assert_eq!(message.text, "Your graphics driver is close to the minimum version. Update soon.");
        assert_eq!(message.links, [Link { text: "Update".into(), url: "https://example.com/d".into() }]);
    }

    #[test]
    fn blocks_are_lines_and_spaces_are_one() {
        assert_eq!(text("  one\n\t two  "), "one two");
        assert_eq!(text("one<br>two<BR/>three"), "one\ntwo\nthree");
        assert_eq!(text("<p>one</p>\n<p>two</p>"), "one\ntwo");
        assert_eq!(text("<h1>Stop</h1>now<ul><li>a</li><li>b</li></ul>end"), "Stop\nnow\n• a\n• b\nend");
        assert_eq!(text("<div><div>x</div></div><hr>y"), "x\ny");
        assert_eq!(text("<b>bo</b>ld and <i>so</i> on"), "bold and so on");
        assert_eq!(text("a<br><br><br><br>b"), "a\n\nb");
    }

    #[test]
    fn entities_become_characters() {
        assert_eq!(text("&lt;b&gt; &amp;amp; &quot;x&quot; &apos;y&#39;&#x27;"), "<b> &amp; \"x\" 'y''");
        assert_eq!(text("a&nbsp;b&hellip; &mdash; &copy;"), "a b… — ©");
        assert_eq!(
            text("AT&T & R&D; &unknown; &#0; &#xD800; &#99999999999; &"),
            "AT&T & R&D; &unknown; \u{fffd} \u{fffd} \u{fffd} &"
        );
    }

    #[test]
    fn what_is_no_text_goes() {
        assert_eq!(text("a<script>alert('<b>')</script>b<style>p{}</style>c"), "abc");
        assert_eq!(text("a<!-- <b>no</b> -->b<!doctype html>c<?php echo 1 ?>d"), "abcd");
        assert_eq!(text("a<script>never closed"), "a");
        assert_eq!(text("a<!-- never closed"), "a");
        assert_eq!(text("a<title>Page</title>b"), "ab");
        assert_eq!(text("1 < 2 and 3 > 2 <"), "1 < 2 and 3 > 2 <");
        assert_eq!(text("x<b onclick=\"a>b\" title='>'>y"), "xy");
        assert_eq!(text("cut <b off"), "cut");
    }

    #[test]
    fn characters_that_steer_the_display_go() {
        assert_eq!(text("a\u{202e}b\u{200b}c\u{7}d&#x202e;e\u{feff}\u{2066}f\u{1b}[31mg"), "abcdef[31mg");
    }

    #[test]
    fn links_lead_to_the_web_only() {
        assert_eq!(
            links(
                "<a href='https://example.com/a?b=1&amp;c=2'>A</a> <A class=x HREF=http://example.com>B <b>C</b></A> \
                 <a href=\"https://example.com/\"></a>"
            ),
            [
                ("A".into(), "https://example.com/a?b=1&c=2".into()),
                ("B C".into(), "http://example.com/".into()),
                ("https://example.com/".into(), "https://example.com/".into()),
            ]
        );
        for refused in [
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "mailto:a@example.com",
            "/relative",
            "//example.com",
            "https://",
            "https://service.example@evil.example/",
            "https://:x@evil.example/",
            "ssh://example.com",
            "",
        ] {
            assert_eq!(links(&format!("<a href=\"{refused}\">x</a>")), [], "{refused}");
        }
        assert_eq!(
            links("<a name=x>no link</a><link href='https://example.com'><img src='https://example.com'>"),
            []
        );
        assert_eq!(links("<a href='https://exämple.com'>x</a>")[0].1, "https://xn--exmple-cua.com/");
        // One that never ends, and one inside another.
        assert_eq!(links("<a href='https://one.example'>one <a href='https://two.example'>two").len(), 2);
    }

    #[test]
    fn nothing_grows_without_bound() {
        let long = Message::from_html(&"ä ".repeat(20_000));
        assert!(long.text.chars().count() <= MAX_TEXT_CHARS && long.html().len() <= MAX_HTML_BYTES);
        let many = Message::from_html(&"<a href=https://example.com>x</a>".repeat(400));
        assert_eq!(many.links.len(), MAX_LINKS);
        assert_eq!(links(&format!("<a href='https://example.com/{}'>x</a>", "y".repeat(MAX_URL_BYTES))), []);
        let wordy = Message::from_html(&format!("<a href='https://example.com/'>{}</a>", "y".repeat(1000)));
        assert_eq!(wordy.links[0].text.len(), MAX_LINK_TEXT_CHARS);
    }

    proptest! {
        #[test]
        fn anything_becomes_plain_text(
            html in prop::collection::vec(
                prop_oneof!["(?s).{0,6}", prop::sample::select(vec![
                    "<", ">", "</", "<a href=", "\"", "'", "https://example.com/", "&", "&#", "&lt;", ";", "<br>", "<!--",
                    "-->", "<script>", "</script", "<li>", " ", "\u{202e}", "<p>", "/>", "=",
                ]).prop_map(String::from)],
                0..40,
            ).prop_map(|parts| parts.concat())
        ) {
            let message = Message::from_html(&html);
            prop_assert!(message.text.chars().count() <= MAX_TEXT_CHARS);
            prop_assert!(message.text.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert_eq!(message.text.trim(), &message.text);
            prop_assert!(!message.text.contains("\n\n\n") && !message.text.contains("  "));
            prop_assert!(message.links.len() <= MAX_LINKS);
            for link in &message.links {
                prop_assert!(link.url.starts_with("https://") || link.url.starts_with("http://"));
                prop_assert!(!link.text.is_empty());
            }
        }

        #[test]
        fn plain_text_comes_back(text in "[ -~]{0,60}(\n[!-~]{1,20}){0,3}") {
            let tidy: Vec<String> = text
                .lines()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            let tidy = tidy.join("\n");
            prop_assert_eq!(Message::from_text(&text).text, tidy.trim());
        }
    }
}
