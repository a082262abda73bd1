//! The canvas thread: at each tick it evaluates the scene, composes it, and hands the pictures to the encoders.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use compositor::{CanvasConfig, ComposedFrame, Compositor, Delivery, Gpu, Preview, RenditionOutput};
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use encoder::{CanvasFrame, EncoderGroup, EncoderPicture};
use scene::{Collection, SceneId, SourceId, Stage, Transition};
use units::{Clock, FrameRate, MediaTime, Span, TrackId};

use super::renewal::{Renewal, Renewed};
use super::sources::OpenSources;
use crate::clock::SystemClock;
use crate::outcome::Failure;
use crate::percentiles::Durations;

/// Gains of the sounding sources at this instant: scene, slot and transition together.
pub(super) type Gains = ArcSwap<Vec<(SourceId, f32)>>;

/// How long one frame may take before it is left to the next tick.
const FRAME_DEADLINE: Duration = Duration::from_millis(250);

/// Frames per second of a canvas that only feeds a preview on a software adapter, where each costs processor time.
const PREVIEW_ONLY_FPS: u64 = 10;

/// What the engine wants of the canvas.
pub(super) enum Order {
    Switch {
        scene: SceneId,
        transition: Transition,
    },
    /// Feed these encoders, or none, from the next frame on.
    Encode(Option<Feeding>),
    /// Make these of the same renditions from the next frame on: as before, but delivered elsewhere.
    Deliver(Vec<RenditionOutput>),
    Stop,
}

/// Encoders and the pictures they want.
pub(super) struct Feeding {
    pub(super) encoders: Arc<EncoderGroup>,
    pub(super) outputs: Vec<RenditionOutput>,
    /// Track of each output, in the same order.
    pub(super) tracks: Vec<TrackId>,
}

/// What the canvas tells the engine.
pub(super) enum News {
    /// These encoders get no more pictures. They are given back so that ending them is nobody's business here.
    Released(Arc<EncoderGroup>),
    TransitionEnded {
        completed: bool,
    },
    /// A frame could not be composed; the picture before it was repeated.
    Trouble(String),
    /// The driver took the device away; the newest picture is repeated until another is opened.
    Lost(String),
    /// Composing goes on, on this adapter.
    Renewed(Box<Gpu>),
    /// No adapter came back; nothing can be composed any more.
    Dead(String),
}

/// What the canvas is made of.
pub(super) struct Setup {
    pub(super) clock: Arc<SystemClock>,
    pub(super) gpu: Gpu,
    pub(super) config: CanvasConfig,
    pub(super) rate: FrameRate,
    pub(super) collection: Arc<ArcSwap<Collection>>,
    pub(super) sources: Arc<OpenSources>,
    pub(super) gains: Arc<Gains>,
    pub(super) first_scene: SceneId,
}

/// Counters of the canvas, for the View and the report.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) rendered: AtomicU64,
    pub(super) lagged: AtomicU64,
    /// Time from the tick to the composed picture.
    pub(super) compose: Durations,
}

/// The running canvas.
pub(super) struct Canvas {
    orders: Sender<Order>,
    news: Receiver<News>,
    pub(super) counters: Arc<Counters>,
    preview: Preview,
    thread: Option<JoinHandle<()>>,
}

impl Canvas {
    pub(super) fn start(setup: Setup) -> Result<Self, Failure> {
        let compositor = Compositor::new(&setup.gpu, &setup.config).map_err(|error| {
            Failure::could_not_start(
                "canvas.compositor",
                format!("The canvas of {} could not be made: {error}.", setup.config.size),
                "Choose another canvas size with --canvas, or another graphics adapter with GENLOCK_ADAPTER.",
            )
        })?;
        let preview = compositor.preview();
        let (orders, orders_in) = bounded(64);
        let (news_out, news) = bounded(256);
        let counters = Arc::new(Counters::default());
        let worker = Worker::new(setup, compositor, orders_in, news_out, counters.clone());
        let thread = std::thread::Builder::new()
            .name("canvas".into())
            .spawn(move || worker.run())
            .map_err(|error| Failure::could_not_start("engine.thread", format!("No thread: {error}."), ""))?;
        Ok(Self { orders, news, counters, preview, thread: Some(thread) })
    }

    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }

    pub(super) fn poll_news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    pub(super) fn preview(&self) -> Preview {
        self.preview.clone()
    }

    pub(super) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Frames on their way through the compositor, so that a collected picture finds its number again.
#[derive(Clone, Copy)]
struct Ticket {
    index: u64,
    composed_at: MediaTime,
}

struct Worker {
    setup: Setup,
    compositor: Compositor,
    orders: Receiver<Order>,
    news: Sender<News>,
    counters: Arc<Counters>,
    stage: Stage,
    encoders: Option<Arc<EncoderGroup>>,
    /// Track of each rendition the compositor makes, in its order.
    tracks: Vec<TrackId>,
    under_way: std::collections::VecDeque<Ticket>,
    /// The newest finished pictures, repeated for ticks that were missed.
    last: Vec<(TrackId, EncoderPicture)>,
    /// Number of the newest frame the encoders were given.
    last_pushed: Option<u64>,
    in_trouble: bool,
    /// While the device is lost.
    renewal: Option<Renewal>,
}

impl Worker {
    fn new(
        setup: Setup,
        compositor: Compositor,
        orders: Receiver<Order>,
        news: Sender<News>,
        counters: Arc<Counters>,
    ) -> Self {
        let stage = Stage::new(setup.first_scene);
        Self {
            setup,
            compositor,
            orders,
            news,
            counters,
            stage,
            encoders: None,
            tracks: Vec::new(),
            under_way: std::collections::VecDeque::new(),
            last: Vec::new(),
            last_pushed: None,
            in_trouble: false,
            renewal: None,
        }
    }

    fn run(mut self) {
        let rate = self.setup.rate;
        let mut frame = rate.frame_at(self.setup.clock.now()) + 1;
        loop {
            self.setup.clock.sleep_until(rate.pts_of(frame).at());
            if !self.obey() {
                return;
            }
            let due = rate.frame_at(self.setup.clock.now());
            if due > frame && self.encoders.is_some() {
                self.repeat_missed(frame, due);
            }
            frame = frame.max(due);
            if let Err(dead) = self.tick(frame) {
                let _ = self.news.try_send(News::Dead(dead));
                return;
            }
            frame += self.step();
        }
    }

    /// Canvas frames from this tick to the next.
    fn step(&self) -> u64 {
        if self.encoders.is_some() || !self.setup.gpu.info().is_software {
            return 1;
        }
        let fps = u64::from(self.setup.rate.numerator()) / u64::from(self.setup.rate.denominator());
        (fps / PREVIEW_ONLY_FPS).max(1)
    }

    /// Takes all waiting orders; false when it is time to end.
    fn obey(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Switch { scene, transition }) => {
                    self.stage.switch(scene, transition);
                }
                Ok(Order::Encode(feeding)) => self.feed(feeding),
                Ok(Order::Deliver(outputs)) => {
                    // An order for encoders that have gone meanwhile is void.
                    if self.encoders.is_some() && outputs.len() == self.tracks.len() {
                        self.make(outputs);
                    }
                }
                Ok(Order::Stop) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    /// Changes the encoders between two frames. Without encoders no rendition is scaled.
    fn feed(&mut self, feeding: Option<Feeding>) {
        // What is under way was composed for the encoders before.
        if self.renewal.is_none()
            && let Err(error) = self.collect_finished()
        {
            self.complain(&error);
        }
        if let Some(released) = self.encoders.take() {
            // Nobody takes it when the engine is gone; then it ends here.
            let _ = self.news.try_send(News::Released(released));
        }
        let (encoders, outputs, tracks) = match feeding {
            Some(Feeding { encoders, outputs, tracks }) => (Some(encoders), outputs, tracks),
            None => (None, Vec::new(), Vec::new()),
        };
        if self.make(outputs) {
            (self.encoders, self.tracks) = (encoders, tracks);
        }
        self.last.clear();
        self.last_pushed = None;
    }

    /// Has these renditions made from the next frame on; false where they are not possible.
    fn make(&mut self, outputs: Vec<RenditionOutput>) -> bool {
        self.setup.config.renditions.clone_from(&outputs);
        if self.renewal.is_some() {
            return true;
        }
        match self.compositor.set_renditions(outputs) {
            Ok(()) => true,
            Err(error) => {
                self.complain(&error);
                self.renewal.is_some()
            }
        }
    }

    /// Tells of a failure; a lost device is replaced.
    fn complain(&mut self, error: &compositor::Error) {
        if let compositor::Error::DeviceLost { reason } = error {
            self.renew(reason);
        } else {
            let _ = self.news.try_send(News::Trouble(error.to_string()));
        }
    }

    /// Begins to look for another device. Pictures that lie in the lost one can not be repeated.
    fn renew(&mut self, reason: &str) {
        let _ = self.news.try_send(News::Lost(reason.to_owned()));
        self.under_way.clear();
        if self.last.iter().any(|(_, picture)| !matches!(picture, EncoderPicture::Memory(_))) {
            self.last.clear();
        }
        let config = CanvasConfig { renditions: Vec::new(), ..self.setup.config.clone() };
        self.renewal = Some(Renewal::begin(config, self.compositor.preview()));
    }

    /// Goes on with the new device, once there is one; false while there is none.
    fn take_up(&mut self) -> Result<bool, String> {
        let Some(renewal) = &self.renewal else { return Ok(true) };
        match renewal.poll() {
            Renewed::NotYet => Ok(false),
            Renewed::Failed(why) => Err(why),
            Renewed::Ready(made) => {
                let (gpu, compositor) = *made;
                self.renewal = None;
                (self.setup.gpu, self.compositor) = (gpu.clone(), compositor);
                // What encoders had of the old device is gone; memory is always right.
                let mut outputs = self.setup.config.renditions.clone();
                for output in &mut outputs {
                    output.delivery = Delivery::Memory;
                }
                // First, since this device may be lost as well.
                let _ = self.news.try_send(News::Renewed(Box::new(gpu)));
                self.make(outputs);
                Ok(self.renewal.is_none())
            }
        }
    }

    /// Encoders must see every frame number, or IDRs would wander off the schedule and the rate would not be
    /// constant: ticks that came too late repeat the newest picture.
    fn repeat_missed(&mut self, from: u64, to: u64) {
        let at_most = self.setup.rate.frames_in(Span::from_secs(2)).into();
        self.counters.lagged.fetch_add(to - from, Ordering::Relaxed);
        for index in from.max(to.saturating_sub(at_most))..to {
            if self.last_pushed.is_some() && !self.last.is_empty() {
                let composed_at = self.setup.rate.pts_of(index).at();
                self.push(Ticket { index, composed_at }, self.last.clone());
            }
        }
    }

    fn tick(&mut self, index: u64) -> Result<(), String> {
        let pts = self.setup.rate.pts_of(index);
        let composed_at = self.setup.clock.now();
        let collection = self.setup.collection.load();
        let evaluated = self.stage.evaluate(&collection, self.setup.config.size, pts);
        self.setup.gains.store(Arc::new(evaluated.gains));
        for ended in evaluated.ended {
            let _ = self.news.try_send(News::TransitionEnded { completed: ended.completed });
        }
        if !self.take_up()? {
            self.stand_in(index, composed_at);
            return Ok(());
        }
        // A frame that was late at an earlier tick makes room first; it is too old to be sent, and the next repeat.
        if let Err(error) = self.collect_finished() {
            self.stumble(index, composed_at, &error);
            return Ok(());
        }
        let sources = self.setup.sources.load();
        let lookup = |id: SourceId| sources.get(&id).and_then(|source| source.frame_at(pts));
        match self.compositor.compose(pts, &evaluated.picture, &lookup) {
            Ok(()) => self.under_way.push_back(Ticket { index, composed_at }),
            Err(error) => {
                self.stumble(index, composed_at, &error);
                return Ok(());
            }
        }
        if let Err(error) = self.collect_finished() {
            self.stumble(index, composed_at, &error);
            return Ok(());
        }
        self.in_trouble = false;
        Ok(())
    }

    /// Delivers what is finished; waits where the compositor has no room for another frame.
    fn collect_finished(&mut self) -> Result<(), compositor::Error> {
        while let Some(frame) = self.compositor.collect(FRAME_DEADLINE)? {
            self.deliver(&frame);
        }
        Ok(())
    }

    fn deliver(&mut self, frame: &ComposedFrame) {
        let Some(ticket) = self.under_way.pop_front() else { return };
        self.counters.rendered.fetch_add(1, Ordering::Relaxed);
        self.counters.compose.record(self.setup.clock.now() - ticket.composed_at);
        let pictures: Vec<_> = self.tracks.iter().copied().zip(frame.pictures.iter().cloned()).collect();
        if self.encoders.is_some() {
            self.push(ticket, pictures.clone());
        }
        self.last = pictures;
    }

    fn push(&mut self, ticket: Ticket, pictures: Vec<(TrackId, EncoderPicture)>) {
        let Some(encoders) = &self.encoders else { return };
        if self.last_pushed.is_some_and(|last| ticket.index <= last) {
            return;
        }
        self.last_pushed = Some(ticket.index);
        let frame = CanvasFrame {
            index: ticket.index,
            pts: self.setup.rate.pts_of(ticket.index),
            composed_at: ticket.composed_at,
            rendered: self.counters.rendered.load(Ordering::Relaxed),
            lagged: self.counters.lagged.load(Ordering::Relaxed),
            pictures,
        };
        if let Err(error) = encoders.push(&frame) {
            let _ = self.news.try_send(News::Trouble(error.to_string()));
        }
    }

    /// A frame that could not be composed is replaced by the one before it.
    fn stumble(&mut self, index: u64, composed_at: MediaTime, error: &compositor::Error) {
        let is_lost = matches!(error, compositor::Error::DeviceLost { .. });
        if is_lost || !self.in_trouble {
            self.complain(error);
        }
        self.in_trouble = true;
        if !matches!(error, compositor::Error::Late { .. }) {
            self.under_way.retain(|ticket| ticket.index != index);
        }
        self.stand_in(index, composed_at);
    }

    /// Shows the newest picture once more, in place of one that could not be composed.
    fn stand_in(&mut self, index: u64, composed_at: MediaTime) {
        self.counters.lagged.fetch_add(1, Ordering::Relaxed);
        if !self.last.is_empty() {
            self.push(Ticket { index, composed_at }, self.last.clone());
        }
    }
}
