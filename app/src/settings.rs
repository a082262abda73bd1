//! What a show is made of, from the command line and the machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use control::{Preferences, Problem, RenewalChoice, ServerChoice, Severity};
use desktop::CredentialStore;
use encoder::{BackendKind, RenditionConfig};
use ivs::IngestAddress;
use ivs::client_configuration::ClientConfiguration;
use publish::Pairing;
use scene::{Collection, SceneId};
use units::{FrameRate, Kbps, Secret, Size, Span, TrackId};

use crate::cli::{HoldArgs, ShowArgs};
use crate::collection_store::{self, CollectionStore, StoreError};
use crate::ladder::{Ladder, Origin};
use crate::outcome::Failure;
use crate::preferences::{KeptDestination, Personal};
use crate::secrets;

/// Sound bitrate when none is asked for; the service takes 96 to 320 kbps (IVS user guide, "Audio Settings").
const AUDIO_KBPS: Kbps = Kbps(160);

/// Everything that is fixed while a show runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) canvas: Size,
    pub(crate) rate: FrameRate,
    pub(crate) collection: Collection,
    /// Where the collection's relative paths start.
    pub(crate) base_folder: PathBuf,
    /// Where edits of the collection are kept.
    pub(crate) home: Option<Home>,
    /// What the person should know before anything else.
    pub(crate) notices: Vec<Problem>,
    pub(crate) first_scene: SceneId,
    /// Change the scene this often.
    pub(crate) switch_every: Option<Span>,
    /// What is encoded where no service is asked: one rendition, a built-in ladder, or one from a file.
    pub(crate) ladder: Ladder,
    /// The service's answer that the ladder was read from.
    pub(crate) answer: Option<Arc<ClientConfiguration>>,
    pub(crate) preferences: Preferences,
    /// What is kept for the person besides preferences.
    pub(crate) personal: Personal,
    /// The store of the person's secrets; `None` where there is none, or where nothing is to be remembered.
    pub(crate) store: Option<CredentialStore>,
    /// Where changed preferences are kept; `None` where the command line decides.
    pub(crate) preferences_file: Option<PathBuf>,
    pub(crate) service: Service,
    pub(crate) target: Target,
    pub(crate) hold: Hold,
    /// Destinations besides the first, which get the primary rendition.
    pub(crate) further: Vec<Further>,
    /// Destinations that were kept from an earlier run, by their numbers in the store.
    pub(crate) kept_further: Vec<(u32, Further)>,
    /// There is a window, and somebody before it who can be asked.
    pub(crate) is_interactive: bool,
    /// Where recordings go; `None` when nothing is to be recorded.
    pub(crate) record_into: Option<PathBuf>,
    /// First part of a recording's title.
    pub(crate) title: String,
}

/// Where the service's own answers come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    /// GetClientConfiguration; `None` when no service is to be asked.
    pub(crate) configuration_url: Option<String>,
    /// FindIngest; `None` when there is no list of servers to choose from.
    pub(crate) find_ingest_url: Option<String>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub(crate) ca: Option<PathBuf>,
}

/// Where the stream is to go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) server: ServerChoice,
    pub(crate) key: Option<Secret>,
    /// Takeover priority.
    pub(crate) priority: Option<u32>,
    /// The passphrase of SRT, when the address has none.
    pub(crate) passphrase: Option<Secret>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub(crate) ca: Option<PathBuf>,
    /// Package H.264 of the primary rendition in the legacy form.
    pub(crate) legacy_primary: bool,
    /// Somebody else than the person before the window has chosen it.
    pub(crate) is_fixed: bool,
}

/// How the stream is kept on air, as far as the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hold {
    /// Take the channel over when going live, with what the other computer gave, if it gave anything.
    pub(crate) takeover: Option<Option<Pairing>>,
    /// Where to keep what another computer needs to take over.
    pub(crate) pairing_out: Option<PathBuf>,
}

/// A destination besides the first. Prints no stream key.
#[derive(Clone, Debug)]
pub(crate) struct Further {
    pub(crate) name: String,
    /// With the key, and the passphrase where there is one.
    pub(crate) address: IngestAddress,
}

impl Further {
    /// Reads an address that has its key inside.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, String> {
        let address: IngestAddress = text.trim().parse().map_err(|error: ivs::Error| error.to_string())?;
        if address.key().is_none_or(Secret::is_empty) {
            return Err("it has no stream key inside".into());
        }
        let name = if name.trim().is_empty() { address.host() } else { name.trim() };
        let name = name.to_owned();
        Ok(Self { name, address })
    }
}

impl Settings {
    /// # Errors
    /// Whatever of the command line can not be honoured, in one sentence.
    pub(crate) fn of(args: &ShowArgs) -> Result<Self, Failure> {
        if let Some(report) = &args.report {
            check_writable_parent(report)?;
        }
        let canvas = match args.canvas {
            Some(size) => size,
            None => Size::new(1280, 720).map_err(|error| {
                Failure::could_not_start(
                    "settings.canvas",
                    format!("The canvas is not possible: {error}."),
                    "",
                )
            })?,
        };
        let rate = args.fps.unwrap_or(FrameRate::FPS_30);
        let Opened { collection, base_folder, home, notice } =
            open_collection(args.scenes.as_deref(), canvas)?;
        let first_scene = find_scene(&collection, args.scene.as_deref())?;
        let (ladder, answer) = ladder_of(args, canvas, rate)?;
        let preferences = Preferences {
            multitrack: args.config_url.is_some(),
            output: args.output,
            rate: None,
            max_tracks: args.tracks,
            max_bitrate: args.max_bitrate.map(Kbps),
            reconnect: !args.hold.no_reconnect,
            renewal: args
                .hold
                .renew_after
                .map_or(RenewalChoice::Auto, |after| RenewalChoice::After(Span::from_duration(after))),
            playback_url: args.hold.playback_url.clone(),
            srt_latency_ms: args.hold.srt_latency,
        };
        let record_into = if args.no_record {
            None
        } else {
            let folder = args.record.clone().unwrap_or_else(default_recordings);
            make_writable(&folder)?;
            Some(folder)
        };
        Ok(Self {
            canvas,
            rate,
            title: collection.name.clone(),
            collection,
            base_folder,
            home,
            notices: notice.into_iter().chain(record_into.as_deref().and_then(in_one_drive)).collect(),
            first_scene,
            switch_every: args.switch.map(Span::from_duration).filter(|span| *span > Span::ZERO),
            ladder,
            answer,
            preferences,
            personal: Personal::default(),
            store: None,
            preferences_file: None,
            service: Service {
                configuration_url: args.config_url.clone(),
                find_ingest_url: args.servers_url.clone(),
                ca: args.ca.clone(),
            },
            target: Target {
                priority: args.priority,
                passphrase: crate::key::read_passphrase(args.hold.srt_passphrase_file.as_deref())?,
                ca: args.ca.clone(),
                legacy_primary: args.legacy_primary,
                ..Target::default()
            },
            hold: Hold { takeover: takeover(&args.hold)?, pairing_out: args.hold.pairing_out.clone() },
            further: further(&args.hold)?,
            kept_further: Vec::new(),
            is_interactive: !args.headless,
            record_into,
        })
    }

    /// Takes up what is kept for the person: keys and destinations from the store, the folder of recordings. What the
    /// command line says comes first. Returns the kept destinations and their numbers.
    pub(crate) fn take_up(&mut self, personal: Personal, store: Option<CredentialStore>, args: &ShowArgs) {
        if let (Some(folder), None, false) = (&personal.recording_folder, &args.record, args.no_record) {
            match make_writable(folder) {
                Ok(()) => {
                    self.notices.retain(|problem| problem.code != ONE_DRIVE);
                    self.notices.extend(in_one_drive(folder));
                    self.record_into = Some(folder.clone());
                }
                Err(failure) => {
                    let done = match &self.record_into {
                        Some(other) => format!("Recordings go to {} instead.", other.display()),
                        None => "Nothing is recorded.".into(),
                    };
                    self.notices.push(Problem { severity: Severity::Warning, done, ..failure.problem });
                }
            }
        }
        if let Some(store) = &store {
            if personal.remembers_key && self.target.key.is_none() {
                self.target.key = secrets::stream_key(store);
            }
            if personal.remembers_key && self.target.passphrase.is_none() {
                self.target.passphrase = secrets::passphrase(store);
            }
            for kept in &personal.further {
                match secrets::read_destination(store, kept) {
                    Ok(further) => self.kept_further.push((kept.number, further)),
                    Err(why) => self.notices.push(lost_destination(kept, &why)),
                }
            }
        }
        (self.personal, self.store) = (personal, store);
    }

    /// The one rendition that is sent where several can not be had.
    pub(crate) fn single(&self) -> Ladder {
        let mut first = self.ladder.clone();
        if first.is_multitrack() {
            let audio = first.audio_bitrate;
            let bitrate = advised_bitrate(self.canvas, audio);
            let backend = first.rungs.first().and_then(|rung| rung.rendition.backend);
            let mut rendition = RenditionConfig::new(TrackId::PRIMARY, self.canvas, self.rate, bitrate);
            rendition.profile = units::VideoProfile::Main;
            rendition.backend = backend;
            first = Ladder::single(rendition, audio);
        }
        first
    }
}

fn lost_destination(kept: &KeptDestination, why: &str) -> Problem {
    Problem {
        severity: Severity::Warning,
        code: "further.lost",
        happened: format!("The destination “{}” ({}) can not be used: {why}.", kept.name, kept.address),
        done: "Nothing is sent to it.".into(),
        advice: "Add it again, with its key.".into(),
    }
}

/// Whether to take over, and with what.
fn takeover(args: &HoldArgs) -> Result<Option<Option<Pairing>>, Failure> {
    let Some(given) = &args.takeover else { return Ok(None) };
    if given.is_empty() {
        return Ok(Some(None));
    }
    let path = Path::new(given);
    let from_file = path.is_file();
    let text = if from_file {
        std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(
                "pairing.file",
                format!("The pairing file {} could not be read: {error}.", path.display()),
                "Check the path.",
            )
        })?
    } else {
        given.clone()
    };
    let pairing = Pairing::parse(text.trim()).map_err(|error| {
        Failure::usage(
            "pairing.unreadable",
            format!("What stands after --takeover is neither a file nor a pairing code: {error}."),
            "Copy the whole code from the other computer, or write --takeover alone to take over without one.",
        )
    })?;
    if !from_file && pairing.key.is_some() {
        return Err(Failure::usage(
            "pairing.key_in_sight",
            "This pairing code holds the stream key, and other programs can read a command line.",
            "Put the code into a file and name the file.",
        ));
    }
    Ok(Some(Some(pairing)))
}

/// The destinations besides the first.
fn further(args: &HoldArgs) -> Result<Vec<Further>, Failure> {
    let mut lines: Vec<String> = args.also.clone();
    if let Some(path) = &args.also_file {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(
                "further.file",
                format!("The file {} could not be read: {error}.", path.display()),
                "Check the path.",
            )
        })?;
        lines.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let read = |line: &String| {
        Further::read("", line).map_err(|why| {
            Failure::usage(
                "further.address",
                format!("The address of a further destination can not be used: {why}."),
                "Write it like rtmps://HOST/app/KEY or srt://HOST:9000?streamid=KEY&passphrase=PASSPHRASE.",
            )
        })
    };
    lines.iter().map(read).collect()
}

/// The ladder that is encoded where no service is asked, and the answer it was read from.
fn ladder_of(
    args: &ShowArgs,
    canvas: Size,
    rate: FrameRate,
) -> Result<(Ladder, Option<Arc<ClientConfiguration>>), Failure> {
    let audio_bitrate = args.audio_bitrate.map_or(AUDIO_KBPS, Kbps);
    let backend = args.encoder.as_deref().map(find_encoder).transpose()?;
    let keyint = Span::from_secs(args.keyframe.unwrap_or(2).into());
    let (mut ladder, answer) = match (&args.ladder, args.tracks) {
        (Some(path), _) => {
            let answer = read_answer(path)?;
            let ladder = Ladder::from_configuration(&answer, canvas, rate).map_err(|what| {
                Failure::could_not_start(
                    "ladder.impossible",
                    format!("The ladder {} can not be made: {what}.", path.display()),
                    "Choose a canvas and a frame rate that fit it, with --canvas and --fps.",
                )
            })?;
            (Ladder { origin: Origin::File, ..ladder }, Some(Arc::new(answer)))
        }
        (None, Some(tracks)) if tracks > 1 && args.config_url.is_none() => {
            let limit = args.max_bitrate.map(Kbps);
            let ladder = Ladder::built_in(canvas, rate, tracks, limit, audio_bitrate).map_err(|what| {
                Failure::could_not_start(
                    "ladder.impossible",
                    format!("There is no ladder of {tracks} renditions for this canvas: {what}."),
                    "Choose fewer renditions, or another canvas.",
                )
            })?;
            (ladder, None)
        }
        _ => {
            let bitrate = args.bitrate.map_or_else(|| advised_bitrate(canvas, audio_bitrate), Kbps);
            let mut rendition = RenditionConfig::new(TrackId::PRIMARY, canvas, rate, bitrate);
            rendition.profile = units::VideoProfile::Main;
            (Ladder::single(rendition, audio_bitrate), None)
        }
    };
    for rung in &mut ladder.rungs {
        // What the service says of its own ladder is not ours to change; which encoder of this machine makes it is.
        if answer.is_none() {
            rung.rendition.keyint = keyint;
        }
        rung.rendition.backend = backend.or(rung.rendition.backend);
    }
    Ok((ladder, answer))
}

fn read_answer(path: &Path) -> Result<ClientConfiguration, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::could_not_start(
            "ladder.file",
            format!("The ladder {} could not be read: {error}.", path.display()),
            "Check the path.",
        )
    })?;
    ClientConfiguration::parse(&bytes).map_err(|error| {
        Failure::could_not_start(
            "ladder.content",
            format!("The ladder {} is no answer of GetClientConfiguration: {error}.", path.display()),
            "Use the answer as it came.",
        )
    })
}

/// The guide's recommendation for the canvas with the sound taken off, so that the sum keeps to it (IVS user guide,
/// "Resolution/Bitrate/FPS": up to 1500 kbps at 480p, 4500 at 720p, 8500 at 1080p).
fn advised_bitrate(canvas: Size, audio: Kbps) -> Kbps {
    let total = match canvas.shortest_px() {
        0..=480 => 1500,
        481..=720 => 4500,
        _ => 8500,
    };
    Kbps(total - audio.0.min(total / 2))
}

fn find_encoder(name: &str) -> Result<BackendKind, Failure> {
    BackendKind::from_element(name).ok_or_else(|| {
        let known: Vec<_> = encoder::FALLBACK_ORDER.iter().map(|kind| kind.element()).collect();
        Failure::could_not_start(
            "encoder.unknown",
            format!("There is no encoder called {name}."),
            format!("Choose one of {}, or leave --encoder out.", known.join(", ")),
        )
    })
}

/// Where a collection is kept, and under which name.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) store: CollectionStore,
    pub(crate) name: String,
}

/// An opened collection.
struct Opened {
    collection: Collection,
    /// Where relative paths start.
    base_folder: PathBuf,
    /// Where edits are kept; the demo is kept nowhere.
    home: Option<Home>,
    /// What the person should know about it.
    notice: Option<Problem>,
}

/// Name of the collection that is opened when none is named and none exists.
const FIRST_COLLECTION: &str = "Scenes";

fn open_collection(scenes: Option<&str>, canvas: Size) -> Result<Opened, Failure> {
    let here = || std::env::current_dir().unwrap_or_default();
    match scenes {
        Some("demo") => {
            Ok(Opened { collection: Collection::demo(canvas), base_folder: here(), home: None, notice: None })
        }
        Some(path) => open_file(Path::new(path), here),
        None => Ok(open_own(canvas)),
    }
}

/// A collection that the command line names; one that can not be opened is an error.
fn open_file(path: &Path, here: impl Fn() -> PathBuf) -> Result<Opened, Failure> {
    let loaded = collection_store::read(path).map_err(|error| match error {
        StoreError::Content { .. } => Failure::could_not_start(
            "scenes.content",
            format!("{error}."),
            "The file was left as it is; open an older version of it, or use --scenes demo.",
        ),
        _ => Failure::could_not_start(
            "scenes.file",
            format!("{error}."),
            "Check the path, or use --scenes demo.",
        ),
    })?;
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(here, Path::to_owned);
    let home = path
        .file_stem()
        .map(|stem| Home { store: CollectionStore::new(&folder), name: stem.to_string_lossy().into_owned() });
    Ok(Opened { collection: loaded.collection, base_folder: folder, home, notice: None })
}

/// The person's own collection, or a demo to begin with. One that can not be read is told and left alone.
fn open_own(canvas: Size) -> Opened {
    let folder = desktop::Folders::find().map(|folders| folders.collections).unwrap_or_default();
    let store = CollectionStore::new(&folder);
    let name = store.names().ok().and_then(|names| {
        let first = names.first().cloned();
        names.into_iter().find(|name| name == FIRST_COLLECTION).or(first)
    });
    let is_new = name.is_none();
    let home = Home { name: name.unwrap_or_else(|| FIRST_COLLECTION.to_owned()), store };
    let (collection, notice) = match home.store.load(&home.name) {
        Ok(loaded) => (loaded.collection, None),
        Err(_) if is_new => (Collection::demo(canvas), None),
        Err(error) => (Collection::demo(canvas), Some(unreadable(&home, &error))),
    };
    Opened { collection, base_folder: folder, home: Some(home), notice }
}

fn unreadable(home: &Home, error: &StoreError) -> Problem {
    let older = home.store.versions(&home.name).ok().and_then(|versions| versions.into_iter().next());
    Problem {
        severity: Severity::Warning,
        code: "scenes.unreadable",
        happened: format!("Your scenes could not be opened: {error}."),
        done: "The file was left as it is, and the demo is shown instead; what you change is kept under another name."
            .into(),
        advice: older.map_or_else(String::new, |path| {
            format!("Open the version before it with --scenes \"{}\".", path.display())
        }),
    }
}

fn find_scene(collection: &Collection, wanted: Option<&str>) -> Result<SceneId, Failure> {
    let first = collection.scenes.first().map(|scene| scene.id);
    let found = match wanted {
        None => first,
        Some(name) => {
            let by_name = collection.scenes.iter().find(|scene| scene.name.eq_ignore_ascii_case(name));
            let by_number =
                || name.parse::<usize>().ok().and_then(|n| collection.scenes.get(n.checked_sub(1)?));
            by_name.or_else(by_number).map(|scene| scene.id)
        }
    };
    found.ok_or_else(|| {
        let names: Vec<_> = collection.scenes.iter().map(|scene| format!("“{}”", scene.name)).collect();
        Failure::usage(
            "scenes.no_such_scene",
            format!("There is no scene called “{}”.", wanted.unwrap_or_default()),
            format!("Choose one of {}.", names.join(", ")),
        )
    })
}

/// The videos folder of the person, as the system names it.
pub(crate) fn default_recordings() -> PathBuf {
    desktop::Folders::find().map(|folders| folders.recordings).unwrap_or_else(|| PathBuf::from("Genlock"))
}

/// The code of [`in_one_drive`].
const ONE_DRIVE: &str = "recording.one_drive";

/// What is told of a folder whose files are uploaded while the show needs the upload.
pub(crate) fn in_one_drive(folder: &Path) -> Option<Problem> {
    let root = desktop::folders::one_drive_around(folder)?;
    Some(Problem {
        severity: Severity::Warning,
        code: ONE_DRIVE,
        happened: format!(
            "Recordings go to {}, and OneDrive uploads what is in {}.",
            folder.display(),
            root.display()
        ),
        done: "They are written there all the same.".into(),
        advice: "Choose a folder outside of OneDrive, so that the stream has the upload to itself.".into(),
    })
}

/// Makes the folder, and a file in it, and takes the file away again.
pub(crate) fn make_writable(folder: &Path) -> Result<(), Failure> {
    let refused = |error: std::io::Error| {
        Failure::could_not_start(
            "recording.folder",
            format!("Recordings can not be written to {}: {error}.", folder.display()),
            "Choose another folder with --record, or go without a recording with --no-record.",
        )
    };
    std::fs::create_dir_all(folder).map_err(refused)?;
    let probe = folder.join(format!(".genlock-{}", std::process::id()));
    std::fs::write(&probe, b"").map_err(refused)?;
    std::fs::remove_file(&probe).map_err(refused)
}

fn check_writable_parent(report: &Path) -> Result<(), Failure> {
    let folder = report.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(Failure::could_not_start(
            "report.folder",
            format!("The report {} can not be written: its folder does not exist.", report.display()),
            "Make the folder, or choose another place.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_keeps_to_the_guides_advice() {
        let size = |w, h| Size::new(w, h).unwrap();
        assert_eq!(advised_bitrate(size(852, 480), Kbps(160)), Kbps(1340));
        assert_eq!(advised_bitrate(size(1280, 720), Kbps(160)), Kbps(4340));
        assert_eq!(advised_bitrate(size(1080, 1920), Kbps(320)), Kbps(8180));
    }

    #[test]
    fn scenes_are_found_by_name_and_by_number() {
        let demo = Collection::demo(Size::new(1280, 720).unwrap());
        let second = &demo.scenes[1];
        assert_eq!(find_scene(&demo, Some(&second.name.to_uppercase())).unwrap(), second.id);
        assert_eq!(find_scene(&demo, Some("2")).unwrap(), second.id);
        assert_eq!(find_scene(&demo, None).unwrap(), demo.scenes[0].id);
        for wrong in ["", "0", "99", "Nowhere"] {
            assert!(find_scene(&demo, Some(wrong)).is_err(), "{wrong}");
        }
    }
}
