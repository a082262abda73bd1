//! Reading HTML for its text. Not a browser: no page is built, only words, lines and links are found.

/// Text and links.
#[derive(Debug, Default)]
pub(super) struct Content {
    /// Words with one space between them, lines with `\n`, never more than one empty line.
    pub(super) text: String,
    /// Address and text of each link, in order, both as they are written.
    pub(super) links: Vec<(String, String)>,
}

/// Elements that begin and end a line of their own.
const BLOCKS: [&str; 22] = [
    "address",
    "article",
    "blockquote",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "p",
    "section",
    "table",
    "tr",
];
/// Lists, which are lines too.
const LISTS: [&str; 3] = ["ul", "ol", "pre"];
/// Elements whose content is no text of the page.
const UNSEEN: [&str; 8] =
    ["script", "style", "title", "template", "noscript", "textarea", "iframe", "object"];

/// Reads HTML, however broken.
pub(super) fn read(html: &str) -> Content {
    let mut writer = Writer::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        writer.write(before);
        rest = read_tag(tag, &mut writer);
    }
    writer.write(rest);
    writer.finish()
}

/// Reads what begins with `<` and gives what follows it.
fn read_tag<'a>(html: &'a str, writer: &mut Writer) -> &'a str {
    let inner = html.get(1..).unwrap_or_default();
    if let Some(comment) = inner.strip_prefix("!--") {
        return comment.find("-->").and_then(|end| comment.get(end + 3..)).unwrap_or_default();
    }
    if inner.starts_with(['!', '?']) {
        return inner.find('>').and_then(|end| inner.get(end + 1..)).unwrap_or_default();
    }
    let (is_end, named) = inner.strip_prefix('/').map_or((false, inner), |named| (true, named));
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        writer.write("<");
        return inner;
    }
    let end = named.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(named.len());
    let (name, attributes) = named.split_at(end);
    let name = name.to_ascii_lowercase();
    let (attributes, rest) = split_attributes(attributes);
    if is_end {
        writer.end(&name);
        return rest;
    }
    if UNSEEN.contains(&name.as_str()) {
        return after_end_of(&name, rest);
    }
    writer.begin(&name, href(attributes));
    rest
}

/// What follows the end tag of `name`; nothing when there is none.
fn after_end_of<'a>(name: &str, html: &'a str) -> &'a str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        rest = rest.get(at + 2..).unwrap_or_default();
        if rest.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            return rest.find('>').and_then(|end| rest.get(end + 1..)).unwrap_or_default();
        }
    }
    ""
}

/// Splits at the `>` that is not inside of quotes; without one all is attributes.
fn split_attributes(html: &str) -> (&str, &str) {
    let mut quote = None;
    for (at, c) in html.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '>' => {
                return (html.get(..at).unwrap_or_default(), html.get(at + 1..).unwrap_or_default());
            }
            None => {}
        }
    }
    (html, "")
}

/// The value of the `href` among `attributes`.
fn href(attributes: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/').unwrap_or(rest.len());
        if rest.is_empty() {
            return None;
        }
        let (name, after) = rest.split_at(end.max(rest.chars().next().map_or(1, char::len_utf8)));
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                inner.split_once(quote).unwrap_or((inner, ""))
            }
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        if name.eq_ignore_ascii_case("href") {
            let mut decoded = String::new();
            decode(value, |c| decoded.push(c));
            return Some(decoded);
        }
        rest = after;
    }
}

/// Puts words together.
#[derive(Debug, Default)]
struct Writer {
    content: Content,
    /// A space is due before the next word.
    space_due: bool,
    /// New lines are due before the next word.
    lines_due: usize,
    /// The next word begins an item of a list.
    bullet_due: bool,
    /// Address of the open link, and where in the text its own begins.
    link: Option<(String, usize)>,
}

impl Writer {
    fn write(&mut self, html: &str) {
        decode(html, |c| self.push(c));
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            self.space_due = true;
        } else if is_shown(c) {
            if self.content.text.is_empty() {
                // Nothing to part the first word from.
            } else if self.lines_due > 0 {
                self.content.text.extend(core::iter::repeat_n('\n', self.lines_due.min(2)));
            } else if self.space_due {
                self.content.text.push(' ');
            }
            (self.space_due, self.lines_due) = (false, 0);
            if core::mem::take(&mut self.bullet_due) {
                self.content.text.push_str("• ");
            }
            self.content.text.push(c);
        }
    }

    fn begin(&mut self, name: &str, href: Option<String>) {
        match name {
            "br" => self.lines_due += 1,
            "a" => {
                self.end_link();
                self.link = href.map(|href| (href, self.content.text.len()));
            }
            _ => self.line_of(name),
        }
        if name == "li" {
            self.bullet_due = true;
        }
    }

    fn end(&mut self, name: &str) {
        if name == "a" {
            self.end_link();
        }
        self.line_of(name);
    }

    fn line_of(&mut self, name: &str) {
        if BLOCKS.contains(&name) || LISTS.contains(&name) {
            self.lines_due = self.lines_due.max(1);
            self.bullet_due = false;
        }
    }

    fn end_link(&mut self) {
        if let Some((href, begin)) = self.link.take() {
            let text = self.content.text.get(begin..).unwrap_or_default();
            self.content.links.push((href, text.replace('\n', " ")));
        }
    }

    fn finish(mut self) -> Content {
        self.end_link();
        self.content
    }
}

/// Whether a character is part of what is read: neither a control character nor one that is invisible, joins others or
/// turns the direction of writing (Unicode, general categories Cc and Cf, as far as text in English needs none).
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Named entities that messages may hold.
const ENTITIES: [(&str, char); 20] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bull", '•'),
    ("middot", '·'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("times", '×'),
    ("rarr", '→'),
];
/// Longest entity, in bytes, between `&` and `;`.
const MAX_ENTITY_BYTES: usize = 16;

/// Gives each character of `html`, entities resolved; what is none is left as it is.
fn decode(html: &str, mut give: impl FnMut(char)) {
    let mut rest = html;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        before.chars().for_each(&mut give);
        let inner = from.get(1..).unwrap_or_default();
        let entity = inner.find(';').filter(|end| *end <= MAX_ENTITY_BYTES);
        let found = entity.and_then(|end| Some((character(inner.get(..end)?)?, inner.get(end + 1..)?)));
        match found {
            Some((c, after)) => {
                give(c);
                rest = after;
            }
            None => {
                give('&');
                rest = inner;
            }
        }
    }
    rest.chars().for_each(&mut give);
}

/// The character of an entity. A number that is none becomes the replacement character.
fn character(entity: &str) -> Option<char> {
    let Some(number) = entity.strip_prefix('#') else {
        return ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, c)| *c);
    };
    let (digits, radix) = number.strip_prefix(['x', 'X']).map_or((number, 10), |hex| (hex, 16));
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let code = u32::from_str_radix(digits, radix).ok().filter(|code| *code != 0);
    Some(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER))
}
