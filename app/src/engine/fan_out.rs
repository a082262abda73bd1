//! Gives each access unit to every output. Outputs never block: they take the unit or drop by their own rule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, never, select};
use encoder::EncoderOutput;
use units::{AccessUnit, AudioConfig, StreamConfig, Track, TrackId, VideoConfig};

use crate::outcome::Failure;

/// Somewhere access units go.
pub(super) trait Output: Send {
    /// What decoders must know. Called once before the first unit, and again when it changes.
    fn begin(&mut self, config: &StreamConfig);
    /// Takes a unit, or drops it by its own rule. Never waits.
    fn send(&mut self, unit: &Arc<AccessUnit>);
}

/// Names an attached output.
pub(super) type OutputId = u32;

/// What the engine wants of the fan-out.
pub(super) enum Order {
    /// Take access units from here once the encoders before have given everything they held. The configuration of the
    /// pictures starts anew, and that of the sound where it comes from a new encoder.
    Encode {
        video: Receiver<EncoderOutput>,
        /// `None` when the sound goes on from where it comes.
        audio: Option<Receiver<EncoderOutput>>,
        /// Renditions to wait for before outputs begin.
        tracks: usize,
    },
    /// Nothing is encoded any more.
    Rest,
    Attach(OutputId, Box<dyn Output>),
    Detach(OutputId),
    Stop,
}

/// News from encoders that is not an access unit.
#[derive(Debug)]
pub(super) enum News {
    Slip { track: TrackId },
    Died { track: Track, reason: String, restarting: bool },
}

/// The thread that fans out.
pub(super) struct FanOut {
    orders: Sender<Order>,
    news: Receiver<News>,
    thread: Option<JoinHandle<()>>,
}

impl FanOut {
    pub(super) fn start() -> Result<Self, Failure> {
        let (orders, orders_in) = bounded(64);
        let (news_out, news) = bounded(256);
        let thread = std::thread::Builder::new()
            .name("fan-out".into())
            .spawn(move || Worker::new(news_out).run(&orders_in))
            .map_err(|error| {
                Failure::could_not_start("engine.thread", format!("No thread could be started: {error}."), "")
            })?;
        Ok(Self { orders, news, thread: Some(thread) })
    }

    /// Gives an order. The thread takes orders at once, so this does not wait; after its end orders are void.
    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    pub(super) fn poll_news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    pub(super) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for FanOut {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Units that are kept while the configuration of a track is still to come. Encoders of one group give theirs within a
/// few frames of each other; ten tracks at 60 per second fill this in 1.7 s.
const HELD: usize = 1024;

struct Worker {
    news: Sender<News>,
    tracks: usize,
    /// Encoders that take over when the present ones have given everything they held.
    next: Option<(Receiver<EncoderOutput>, usize)>,
    /// Units that came before the configuration of every track was known.
    held: Vec<Arc<AccessUnit>>,
    video: BTreeMap<TrackId, Arc<VideoConfig>>,
    audio: BTreeMap<TrackId, Arc<AudioConfig>>,
    /// Set once every track has told its configuration.
    config: Option<StreamConfig>,
    outputs: Vec<(OutputId, Box<dyn Output>)>,
}

impl Worker {
    fn new(news: Sender<News>) -> Self {
        Self {
            news,
            tracks: 0,
            next: None,
            held: Vec::new(),
            video: BTreeMap::new(),
            audio: BTreeMap::new(),
            config: None,
            outputs: Vec::new(),
        }
    }

    fn run(mut self, orders: &Receiver<Order>) {
        let mut video: Receiver<EncoderOutput> = never();
        let mut audio: Receiver<EncoderOutput> = never();
        loop {
            select! {
                recv(orders) -> order => match order {
                    Ok(Order::Encode { video: next, audio: from_audio, tracks }) => {
                        if let Some(from_audio) = from_audio {
                            audio = from_audio;
                            self.audio.clear();
                        }
                        if self.tracks == 0 {
                            video = self.take_over(next, tracks);
                        } else {
                            self.next = Some((next, tracks));
                        }
                    }
                    Ok(Order::Rest) => {
                        (video, audio) = (never(), never());
                        self.forget_encoders();
                    }
                    Ok(Order::Attach(id, mut output)) => {
                        if let Some(config) = &self.config {
                            output.begin(config);
                        }
                        self.outputs.push((id, output));
                    }
                    Ok(Order::Detach(id)) => self.outputs.retain(|(other, _)| *other != id),
                    Ok(Order::Stop) | Err(_) => return,
                },
                recv(video) -> output => match output {
                    Ok(output) => self.take(output),
                    Err(_) => {
                        video = match self.next.take() {
                            Some((next, tracks)) => self.take_over(next, tracks),
                            None => {
                                self.tracks = 0;
                                never()
                            }
                        };
                    }
                },
                recv(audio) -> output => match output {
                    Ok(output) => self.take(output),
                    Err(_) => audio = never(),
                },
            }
        }
    }

    fn forget_encoders(&mut self) {
        (self.tracks, self.next, self.config) = (0, None, None);
        self.held.clear();
        self.video.clear();
        self.audio.clear();
    }

    /// Begins with the encoders behind `next`.
    fn take_over(&mut self, next: Receiver<EncoderOutput>, tracks: usize) -> Receiver<EncoderOutput> {
        self.tracks = tracks;
        self.video.clear();
        self.config = None;
        self.held.clear();
        next
    }

    fn take(&mut self, output: EncoderOutput) {
        match output {
            EncoderOutput::Unit(unit) if self.config.is_some() => self.give(&unit),
            // Nothing can be decoded before every track is known; what comes until then begins the outputs.
            EncoderOutput::Unit(unit) => {
                if self.held.len() < HELD {
                    self.held.push(unit);
                }
            }
            EncoderOutput::Config(config) => {
                self.video.insert(config.track, config);
                self.announce();
            }
            EncoderOutput::AudioConfig(config) => {
                self.audio.insert(config.track, config);
                self.announce();
            }
            EncoderOutput::Slip { track, .. } => self.tell(News::Slip { track }),
            EncoderOutput::Died { track, reason, restarting } => {
                self.tell(News::Died { track, reason, restarting });
            }
        }
    }

    fn announce(&mut self) {
        if self.video.len() < self.tracks || self.audio.is_empty() {
            return;
        }
        let config = StreamConfig {
            video: self.video.values().cloned().collect(),
            audio: self.audio.values().cloned().collect(),
        };
        for (_, output) in &mut self.outputs {
            output.begin(&config);
        }
        self.config = Some(config);
        for unit in std::mem::take(&mut self.held) {
            self.give(&unit);
        }
    }

    fn give(&mut self, unit: &Arc<AccessUnit>) {
        for (_, output) in &mut self.outputs {
            output.send(unit);
        }
    }

    fn tell(&self, news: News) {
        if let Err(TrySendError::Full(news)) = self.news.try_send(news) {
            tracing::warn!(?news, "news of the encoders is lost: nobody takes it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    use units::Track;

    #[derive(Default)]
    struct Seen {
        begun: Vec<usize>,
        units: Vec<Track>,
    }

    struct Probe(Arc<Mutex<Seen>>);

    impl Output for Probe {
        fn begin(&mut self, config: &StreamConfig) {
            self.0.lock().unwrap().begun.push(config.video.len() + config.audio.len());
        }
        fn send(&mut self, unit: &Arc<AccessUnit>) {
            self.0.lock().unwrap().units.push(unit.track);
        }
    }

    #[test]
    fn outputs_begin_when_every_track_is_known_and_late_ones_at_once() {
        let mut stream = testkit::SyntheticStream::ladder(2);
        let config = stream.config();
        let mut worker = Worker::new(bounded(4).0);
        worker.tracks = 2;
        let early = Arc::new(Mutex::new(Seen::default()));
        worker.outputs.push((1, Box::new(Probe(early.clone()))));
        let unit = stream.take_span(units::Span::from_millis(100))[0].clone();
        worker.take(EncoderOutput::Unit(unit.clone()));
        for video in &config.video {
            worker.take(EncoderOutput::Config(video.clone()));
        }
        assert!(early.lock().unwrap().begun.is_empty());
        worker.take(EncoderOutput::AudioConfig(config.audio[0].clone()));
        worker.take(EncoderOutput::Unit(unit.clone()));
        assert_eq!(early.lock().unwrap().begun, [3]);
        assert_eq!(early.lock().unwrap().units, [unit.track; 2], "what came early is not lost");
    }

    #[test]
    fn new_encoders_take_over_when_the_old_ones_have_given_everything() {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let fan_out = FanOut::start().unwrap();
        fan_out.order(Order::Attach(1, Box::new(Probe(seen.clone()))));
        let mut stream = testkit::SyntheticStream::ladder(2);
        let config = stream.config();
        let sound = bounded(16);
        let encoders = |tracks: usize| {
            let (sender, video) = bounded(64);
            for video in config.video.iter().take(tracks) {
                sender.send(EncoderOutput::Config(video.clone())).unwrap();
            }
            (sender, video)
        };
        let (old, video) = encoders(2);
        fan_out.order(Order::Encode { video, audio: Some(sound.1), tracks: 2 });
        sound.0.send(EncoderOutput::AudioConfig(config.audio[0].clone())).unwrap();
        let (new, video) = encoders(1);
        fan_out.order(Order::Encode { video, audio: None, tracks: 1 });
        let units = stream.take_span(units::Span::from_millis(200));
        let of = |id| units.iter().filter(move |unit| unit.track == Track::Video(TrackId(id)));
        let first = of(0).next().unwrap().clone();
        new.send(EncoderOutput::Unit(first.clone())).unwrap();
        for unit in of(1).take(3) {
            old.send(EncoderOutput::Unit(unit.clone())).unwrap();
        }
        drop(old);
        while seen.lock().unwrap().units.len() < 4 {
            std::thread::yield_now();
        }
        let seen = seen.lock().unwrap();
        assert_eq!(seen.begun, [3, 2], "two renditions and sound, then one and the same sound");
        let old = Track::Video(TrackId(1));
        assert_eq!(seen.units, [old, old, old, first.track]);
    }
}
