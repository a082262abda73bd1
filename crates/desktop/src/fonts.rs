//! Fonts of the system for writing that the window's own fonts do not have. A font of Chinese or Japanese takes some
//! 20 MB, so one is read only when such a letter is to be shown.

/// A writing that is missing in the window's own fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writing {
    /// Kana, and the ideographs as Japanese writes them.
    Japanese,
    /// Ideographs, where no kana say that they are Japanese.
    Chinese,
    /// Hangul.
    Korean,
    /// Thai.
    Thai,
    /// Arabic. Letters are shown unjoined and from the left: egui does not shape them.
    Arabic,
}

impl Writing {
    /// The writing of a letter that needs a font of the system (Unicode, Blocks.txt).
    pub const fn of(letter: char) -> Option<Self> {
        match letter {
            '\u{0600}'..='\u{06FF}' | '\u{0750}'..='\u{077F}' => Some(Self::Arabic),
            '\u{0E00}'..='\u{0E7F}' => Some(Self::Thai),
            '\u{1100}'..='\u{11FF}' | '\u{3130}'..='\u{318F}' | '\u{AC00}'..='\u{D7AF}' => Some(Self::Korean),
            '\u{3000}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{FF00}'..='\u{FFEF}' => {
                Some(Self::Japanese)
            }
            '\u{2E80}'..='\u{2FFF}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}' => Some(Self::Chinese),
            _ => None,
        }
    }

    /// Families that have it, those of Windows first, then what Linux usually has.
    const fn families(self) -> &'static [&'static str] {
        match self {
            Self::Japanese => {
                &["Yu Gothic UI", "Yu Gothic", "Meiryo", "Noto Sans CJK JP", "Noto Sans JP", "IPAGothic"]
            }
            Self::Chinese => {
                &["Microsoft YaHei", "SimSun", "Noto Sans CJK SC", "Noto Sans SC", "WenQuanYi Zen Hei"]
            }
            Self::Korean => &["Malgun Gothic", "Noto Sans CJK KR", "Noto Sans KR", "NanumGothic"],
            Self::Thai => &["Leelawadee UI", "Tahoma", "Noto Sans Thai", "Loma"],
            Self::Arabic => &["Segoe UI", "Tahoma", "Noto Sans Arabic", "DejaVu Sans"],
        }
    }
}

/// A font file.
pub struct Font {
    /// Its family.
    pub family: String,
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Which font of the file, where it is a collection.
    pub index: u32,
}

/// Reads the system's font for `writing`; `None` where it has none. Looks through all font files: call it on a thread
/// that may take a second.
pub fn find(writing: Writing) -> Option<Font> {
    let mut database = fontdb::Database::new();
    database.load_system_fonts();
    writing.families().iter().find_map(|family| {
        let query = fontdb::Query { families: &[fontdb::Family::Name(family)], ..fontdb::Query::default() };
        let id = database.query(&query)?;
        let (bytes, index) = database.with_face_data(id, |bytes, index| (bytes.to_vec(), index))?;
        Some(Font { family: (*family).to_owned(), bytes, index })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_that_the_own_fonts_lack_ask_for_a_font() {
        for letter in "Szene Größe Сцена Σκηνή ąę – “1080p60”…".chars() {
            assert_eq!(Writing::of(letter), None, "{letter}");
        }
        assert_eq!(Writing::of('の'), Some(Writing::Japanese));
        assert_eq!(Writing::of('直'), Some(Writing::Chinese));
        assert_eq!(Writing::of('방'), Some(Writing::Korean));
        assert_eq!(Writing::of('ส'), Some(Writing::Thai));
    }
}
