//! The command line: a contract that other people's scripts rely on.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use units::{FrameRate, Size};

/// Go live on Amazon IVS, every rendition locked to one clock.
///
/// Without a command, opens the studio window.
#[derive(Debug, Parser)]
#[command(name = "genlock", version, args_conflicts_with_subcommands = false)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Go live to a rehearsal ingest in the same process, then report.
    Rehearse {
        #[command(flatten)]
        show: ShowArgs,
        /// Folder for what the rehearsal ingest received: the stream, its events, its verdicts.
        #[arg(long, value_name = "DIR")]
        ingest_out: Option<PathBuf>,
        #[command(flatten)]
        channel: ChannelArgs,
    },
    /// Go live to an address.
    Live {
        /// rtmps://host/app, rtmp://host/app or srt://host:port?passphrase=...; the stream key is appended in the
        /// service's URL form. A key inside the address is accepted and hidden in every output. The words auto and auto-rtmp take the server that the
        /// service names, with and without encryption.
        #[arg(long, value_name = "URL")]
        to: String,
        #[command(flatten)]
        show: ShowArgs,
    },
    /// Run only the rehearsal ingest; prints its addresses as one JSON line when it is ready.
    Ingest {
        /// Port for RTMP; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        rtmp_port: u16,
        /// Port for RTMPS; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        rtmps_port: u16,
        /// Port for GetClientConfiguration and FindIngest over HTTPS; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        https_port: u16,
        /// Folder for received streams, events and the certificate.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// End by itself after this long, such as 20s.
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        run_for: Option<Duration>,
        /// File that holds the one stream key that is accepted; else GENLOCK_STREAM_KEY, else one made for this run.
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
        #[command(flatten)]
        channel: ChannelArgs,
        #[command(flatten)]
        service: Box<ServiceArgs>,
    },
    /// Find out what the network carries, with a test stream that no viewer sees, and what to stream with.
    Network(NetworkArgs),
    /// Tell what this machine can do: devices, GPUs, encoders (each self-tested), disk, clock.
    Doctor {
        /// Machine-readable.
        #[arg(long)]
        json: bool,
    },
    /// Read a capture or a recording back and judge it by the service's rules.
    Check {
        /// A file (.flv or .mp4), or a folder of them.
        path: PathBuf,
        /// The GetClientConfiguration answer that the stream's key came with; its tracks are held to it.
        #[arg(long, value_name = "ANSWER.json")]
        promise: Option<PathBuf>,
        #[command(flatten)]
        channel: ChannelArgs,
        /// Machine-readable.
        #[arg(long)]
        json: bool,
    },
    /// Repair recordings that were cut short.
    Recover {
        /// The folder with the recordings.
        dir: PathBuf,
        /// Machine-readable.
        #[arg(long)]
        json: bool,
    },
}

/// How the rehearsal ingest behaves as a service.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServiceArgs {
    /// Address to listen on. Only loopback unless another is given, so that another computer can rehearse with it.
    #[arg(long, value_name = "IP")]
    pub(crate) bind: Option<IpAddr>,
    /// Take SRT too, on this UDP port; 0 takes a free one, the service's own is 9000. With --secure-only the callers need
    /// the passphrase in the file that the first line names.
    #[arg(long, value_name = "PORT")]
    pub(crate) srt_port: Option<u16>,
    /// File with the passphrase of SRT, 10 to 79 bytes, instead of one made for the run.
    #[arg(long, value_name = "FILE", requires = "srt_port")]
    pub(crate) srt_passphrase_file: Option<PathBuf>,
    /// A further host name or address that the certificate is made for; may be given several times.
    #[arg(long = "name", value_name = "HOST")]
    pub(crate) names: Vec<String>,
    /// A fault to rehearse, such as stall=5s,lasting=10s or refuse=publish,session=2; docs/rehearsal.md lists them. May
    /// be given several times, for different sessions.
    #[arg(long = "fault", value_name = "FAULT", value_parser = str::parse::<ingest::FaultSpec>)]
    pub(crate) faults: Vec<ingest::FaultSpec>,
    /// How long a stream keeps its place when its connection is gone without a word; 30s as with the service.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) hold: Option<Duration>,
    /// Longest stream; 48h as with the service, or shorter to rehearse its end.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) max_stream: Option<Duration>,
    /// Takeovers of one stream; 100 as with the service.
    #[arg(long, value_name = "N")]
    pub(crate) max_takeovers: Option<u32>,
    /// How long a key of GetClientConfiguration is valid; 48h as with the service.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) key_validity: Option<Duration>,
    /// The stream key stops being valid so long after the start.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) key_expires: Option<Duration>,
    /// Tell a publisher that is taken over why, before its connection is closed.
    #[arg(long)]
    pub(crate) say_taken_over: bool,
}

/// Where a network check goes.
#[derive(Clone, Debug, Args)]
pub(crate) struct NetworkArgs {
    /// An ingest: a test channel's, a rehearsal's on another computer, or with --bandwidth-test the real one.
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Tell the service that it is a test, so that it shows nothing to anybody (bandwidthtest=1).
    #[arg(long)]
    pub(crate) bandwidth_test: bool,
    /// The most to try, in kbps.
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(u32).range(500..=100_000))]
    pub(crate) max_bitrate: Option<u32>,
    /// File that holds the stream key; else GENLOCK_STREAM_KEY.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Trust the certificate authority in this PEM file.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Machine-readable.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the rehearsal's channel is like.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ChannelArgs {
    /// Channel type: basic, standard, advanced-sd or advanced-hd.
    #[arg(long, value_name = "TYPE", default_value = "standard")]
    pub(crate) channel: String,
    /// Refuse plain RTMP, as channels without insecure ingest do.
    #[arg(long)]
    pub(crate) secure_only: bool,
    /// Several tracks: off, allow or require. Without it, standard channels allow them and the others take one.
    #[arg(long, value_name = "POLICY")]
    pub(crate) multitrack: Option<String>,
    /// Largest rendition of several: sd (480p), hd (720p) or full-hd (1080p).
    #[arg(long, value_name = "CLASS", default_value = "full-hd")]
    pub(crate) max_resolution: String,
}

/// What is shown, how it is encoded, and where it is kept.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ShowArgs {
    /// No window.
    #[arg(long)]
    pub(crate) headless: bool,
    /// End by itself after this long, such as 20s or 5m.
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) run_for: Option<Duration>,
    /// A collection of scenes, or the word demo.
    #[arg(long, value_name = "FILE|demo")]
    pub(crate) scenes: Option<String>,
    /// The scene to start with, by name or number.
    #[arg(long, value_name = "NAME")]
    pub(crate) scene: Option<String>,
    /// Change the scene this often, such as 5s.
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) switch: Option<Duration>,
    /// Canvas size, such as 1280x720.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) canvas: Option<Size>,
    /// Canvas rate from 24 to 60, such as 30 or 60000/1001.
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(crate) fps: Option<FrameRate>,
    /// Video bitrate of the rendition in kbps.
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(u32).range(100..=20_000))]
    pub(crate) bitrate: Option<u32>,
    /// Sound bitrate in kbps, 96 to 320.
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(u32).range(96..=320))]
    pub(crate) audio_bitrate: Option<u32>,
    /// Seconds between IDRs: 2, or 1 for less latency.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) keyframe: Option<u8>,
    /// Use this encoder, such as x264enc, instead of the first that passes its self-test.
    #[arg(long, value_name = "ELEMENT")]
    pub(crate) encoder: Option<String>,
    /// A GetClientConfiguration answer, used as it is.
    #[arg(long, value_name = "FILE")]
    pub(crate) ladder: Option<PathBuf>,
    /// Renditions: with --config-url and in a rehearsal at most so many are asked for, else a built-in ladder of so many
    /// is sent.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) tracks: Option<u8>,
    /// Ask this GetClientConfiguration for the ladder.
    #[arg(long, value_name = "URL", conflicts_with = "ladder")]
    pub(crate) config_url: Option<String>,
    /// Ask this FindIngest for the list of servers, instead of the service's own.
    #[arg(long, value_name = "URL")]
    pub(crate) servers_url: Option<String>,
    /// Size of the largest rendition to ask for, such as 1280x720; the canvas when not given.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) output: Option<Size>,
    /// The most that all renditions together may take, in kbps, to ask for.
    #[arg(long, value_name = "KBPS", value_parser = clap::value_parser!(u32).range(300..=100_000))]
    pub(crate) max_bitrate: Option<u32>,
    /// Package the primary H.264 rendition of several in the form of FLV 10.1, for servers that know no other.
    #[arg(long)]
    pub(crate) legacy_primary: bool,
    /// Record into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "no_record")]
    pub(crate) record: Option<PathBuf>,
    /// Do not record.
    #[arg(long)]
    pub(crate) no_record: bool,
    /// Write figures as JSON into this file at the end.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Takeover priority, 1 to 2147483647.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2_147_483_647))]
    pub(crate) priority: Option<u32>,
    #[command(flatten)]
    pub(crate) hold: HoldArgs,
    /// Trust the certificate authority in this PEM file.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// File that holds the stream key; else GENLOCK_STREAM_KEY; else the key that the
    /// studio remembers.
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// Machine-readable progress on stderr.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the stream is kept on air.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct HoldArgs {
    /// Take the channel over from the computer that is live on it now. With the file or the code that this computer
    /// gave, its ladder is compared first and the right priority chosen.
    #[arg(long, value_name = "FILE|CODE", num_args = 0..=1, default_missing_value = "")]
    pub(crate) takeover: Option<String>,
    /// Keep what another computer needs to take over in this file: channel, ladder and last priority, never the key.
    #[arg(long, value_name = "FILE")]
    pub(crate) pairing_out: Option<PathBuf>,
    /// End when the connection breaks, instead of reconnecting.
    #[arg(long)]
    pub(crate) no_reconnect: bool,
    /// Begin a new stream so long after the last one began, such as 24h; without it, one hour before the service's 48.
    #[arg(long, value_name = "TIME", value_parser = parse_renewal)]
    pub(crate) renew_after: Option<Duration>,
    /// A further destination that gets the primary rendition: rtmp://, rtmps:// or srt://, with its key. Prefer
    /// --also-file, since other programs can read a command line.
    #[arg(long, value_name = "URL")]
    pub(crate) also: Vec<String>,
    /// A file with further destinations, one address on each line.
    #[arg(long, value_name = "FILE")]
    pub(crate) also_file: Option<PathBuf>,
    /// The channel's playback URL: the light says live when viewers can see the stream.
    #[arg(long, value_name = "URL")]
    pub(crate) playback_url: Option<String>,
    /// File that holds the SRT passphrase, when the address has none.
    #[arg(long, value_name = "FILE")]
    pub(crate) srt_passphrase_file: Option<PathBuf>,
    /// Milliseconds that SRT may take to repair losses, 20 to 8000.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(20..=8000))]
    pub(crate) srt_latency: Option<u32>,
}

fn parse_size(text: &str) -> Result<Size, String> {
    let size: Size = text.parse().map_err(|error: units::SizeError| error.to_string())?;
    if !size.is_even() || size.longest_px() > 3840 || size.shortest_px() < 64 {
        return Err(format!("{size} is not a canvas: both sides must be even, from 64 to 3840 pixels"));
    }
    Ok(size)
}

fn parse_rate(text: &str) -> Result<FrameRate, String> {
    let rate: FrameRate = text.parse().map_err(|error: units::FrameRateError| error.to_string())?;
    // 24000/1001 is what people mean by 23.976; nothing slower is offered (IVS takes up to 60 per second).
    if rate.as_f64() < 23.97 || rate.as_f64() > 60.0 {
        return Err(format!("{rate} frames per second is outside of 24 to 60"));
    }
    Ok(rate)
}

/// A stream is not renewed more often than viewers could follow, nor later than the service ends it.
fn parse_renewal(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text)?;
    if !(60..=48 * 3600).contains(&length.as_secs()) {
        return Err(format!("“{text}” is outside of 1m to 48h"));
    }
    Ok(length)
}

/// Reads `20s`, `1500ms`, `5m`, `1h` or bare seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let wrong = || format!("“{text}” is not a length of time; write it like 20s, 1500ms, 5m or 1h");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit.trim() {
        "ms" => number / 1000.0,
        "" | "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    // Two weeks: beyond any show, within every clock.
    if !(0.0..=1_209_600.0).contains(&seconds) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(parse_duration("20s"), Ok(Duration::from_secs(20)));
        assert_eq!(parse_duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse_duration("0.5m"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("7"), Ok(Duration::from_secs(7)));
        for wrong in ["", "s", "-1s", "1 fortnight", "1e9h", "NaN"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_contract_parses() {
        for line in [
            "genlock",
            "genlock rehearse --headless --for 20s --scenes demo --canvas 1280x720 --fps 30",
            "genlock live --to rtmps://127.0.0.1:443/app --key-file k --priority 7 --ca ca.pem --json",
            "genlock ingest --https-port 8443 --multitrack require --max-resolution hd",
            "genlock doctor --json",
            "genlock check out",
            "genlock check out/received-1.flv --promise answer.json --json",
            "genlock recover out",
            "genlock network --to rtmps://h/app --bandwidth-test --key-file k --json",
            "genlock live --to rtmps://h/app --takeover pair.txt --pairing-out p --no-reconnect --renew-after 24h",
            "genlock live --to srt://h:9000 --also rtmp://h/app/k --also srt://h:9000?streamid=k --srt-latency 500",
            "genlock live --to rtmps://h/app --takeover",
            "genlock --scenes demo --scene 2 --switch 5s --record out --report r.json",
        ] {
            Cli::try_parse_from(line.split(' ')).unwrap_or_else(|e| panic!("{line}: {e}"));
        }
        for line in [
            "genlock live",
            "genlock rehearse --canvas 1281x720",
            "genlock rehearse --fps 12",
            "genlock rehearse --record a --no-record",
            "genlock live --to rtmp://h/app --priority 0",
            "genlock dance",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
