//! The bodies of audio and video messages, which are the bodies of FLV tags: the legacy form of H.264 and AAC, and all
//! of Enhanced RTMP v2; FLV files around them; and the packager that turns access units into bodies.

mod audio;
mod colour;
mod file;
mod four_cc;
mod metadata;
mod mod_ex;
mod packager;
mod reader;
mod timeline;
mod tracks;
mod video;

pub use audio::{
    AudioPacket, AudioTag, ChannelLayout, ExAudioBody, ExAudioTag, LegacyAudioBody, LegacyAudioTag,
};
pub use colour::colour_info;
pub use file::{TagKind, file_header, file_tag};
pub use four_cc::FourCc;
pub use metadata::{AudioMetadata, StreamMetadata, VideoMetadata};
pub use mod_ex::ModEx;
pub use packager::{
    Form, coded_frame, sequence_end, sequence_start, sequence_start_audio, sequence_start_video,
};
pub use reader::{Header, Item, Reader, Tag};
pub use timeline::{Timeline, TimestampUnwrapper, composition_offset_ms};
pub use tracks::Tracks;
pub use video::{
    ExVideoBody, ExVideoTag, FrameType, LegacyVideoBody, LegacyVideoTag, VideoCommand, VideoPacket, VideoTag,
};

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod tests;
