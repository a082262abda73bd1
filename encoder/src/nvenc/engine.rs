//! The thread that speaks to one session, and the queue in front of it.
//!
//! NVENC is used synchronously: reading an access unit waits for it. Asynchronous events exist on Windows only, and with a
//! thread of its own nobody waits who should not. The canvas thread only ever appends to the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use nvenc_api::{FLAG_EOS, FLAG_FORCE_IDR, FLAG_OUTPUT_SPSPPS, FORMAT_NV12, PICTURE_FRAME, PicParams};
use units::{EncoderPicture, Kbps, VideoProfile};

use super::device::Device;
use super::failure::Failure;
use super::input::{Inputs, MemoryInputs};
use super::library;
use super::output::{DriverBuffers, Outputs};
use super::session::Session;
use super::settings::{self, Settings};
use crate::backend::Mapping;
use crate::pipeline::Sink;
use crate::property::Applied;
use crate::{Error, RenditionConfig};

/// Pictures in flight beyond those the settings make the encoder keep: so that the chip has the next one at hand while
/// the last is read.
const AHEAD: usize = 2;
/// Jobs beside the pictures that the worker lets wait: forced IDRs, changes of the bitrate, the end.
const SPARE: usize = 64;
/// How long an encoder may take to stop before its thread is left to itself.
const STOP: Duration = Duration::from_secs(3);

/// What to open.
pub(crate) struct NvencPlan {
    /// The rendition.
    pub(crate) config: RenditionConfig,
    /// The profile that is coded.
    pub(crate) profile: VideoProfile,
    /// Its settings in the words of the back-end table.
    pub(crate) mapping: Mapping,
    /// Pictures that may wait.
    pub(crate) queue: u64,
    /// Breaks after so many pictures: for tests of what happens then.
    pub(crate) fail_after: Option<i32>,
}

enum Job {
    Picture {
        picture: EncoderPicture,
        time: u64,
        span: u64,
        idr: bool,
    },
    Bitrate(Kbps),
    End,
    /// Goes on when the other side is gone.
    #[cfg(test)]
    Hold(Receiver<()>),
}

/// What both sides of the queue see.
#[derive(Default)]
struct Shared {
    /// Pictures that nobody has taken out of the queue yet.
    waiting: AtomicU64,
    /// What still waits is thrown away.
    stopping: AtomicBool,
}

/// A running encoder. Dropping it ends its session.
pub(crate) struct NvencEngine {
    jobs: Option<Sender<Job>>,
    shared: Arc<Shared>,
    changes_bitrate: bool,
    ended: Receiver<()>,
    #[cfg(test)]
    held: std::sync::Mutex<Option<Sender<()>>>,
}

impl NvencEngine {
    /// Opens a session in a thread of its own and waits until it is ready.
    ///
    /// # Errors
    /// In a sentence: no driver, no GPU, no free session, or a setting that the GPU does not take.
    pub(crate) fn open(plan: NvencPlan, sink: Arc<dyn Sink>) -> Result<(Self, Applied), Error> {
        let (jobs, queue) = bounded(usize::try_from(plan.queue).unwrap_or(0) + SPARE);
        let (opened, is_open) = bounded(1);
        let (ending, ended) = bounded::<()>(0);
        let shared = Arc::new(Shared::default());
        let seen = shared.clone();
        let spawned =
            std::thread::Builder::new().name(format!("nvenc-{}", plan.config.track)).spawn(move || {
                // Gone when the thread is.
                let _ending = ending;
                let fail_after = plan.fail_after.and_then(|count| u64::try_from(count).ok());
                match Encoder::open(plan) {
                    Ok((mut encoder, applied)) => {
                        let changes = encoder.opened.as_ref().is_some_and(|opened| opened.changes_bitrate);
                        if opened.send(Ok((applied, changes))).is_ok() {
                            encoder.run(&queue, &seen, sink.as_ref(), fail_after);
                        }
                    }
                    Err(error) => drop(opened.send(Err(error))),
                }
            });
        spawned.map_err(|error| Error::Thread(error.to_string()))?;
        // Opening never hangs for good: the worst that was seen is a driver that is being updated, which refuses.
        let gone =
            || Error::Open { element: library::LIBRARY.to_owned(), reason: "its thread broke".to_owned() };
        let (applied, changes_bitrate) = is_open.recv().map_err(|_| gone())??;
        let engine = Self {
            jobs: Some(jobs),
            shared,
            changes_bitrate,
            ended,
            #[cfg(test)]
            held: std::sync::Mutex::new(None),
        };
        Ok((engine, applied))
    }

    fn give(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// Pictures that wait to enter the encoder.
    pub(crate) fn waiting(&self) -> u64 {
        self.shared.waiting.load(Ordering::Acquire)
    }

    /// Hands a picture to the queue; never blocks. Returns whether the encoder still takes any.
    pub(crate) fn push(&self, picture: EncoderPicture, time: u64, span: u64, idr: bool) -> bool {
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        let taken = self.give(Job::Picture { picture, time, span, idr });
        if !taken {
            self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
        }
        taken
    }

    /// Changes the bitrate between the last picture that was pushed and the next.
    ///
    /// # Errors
    /// [`Error::Property`] when this GPU can not.
    pub(crate) fn set_bitrate(&self, bitrate: Kbps) -> Result<(), Error> {
        let refuse = |reason: &str| Error::Property {
            element: library::LIBRARY.to_owned(),
            property: "averageBitRate".to_owned(),
            value: bitrate.to_string(),
            reason: reason.to_owned(),
        };
        if !self.changes_bitrate {
            return Err(refuse("this GPU changes no bitrate while it encodes"));
        }
        if self.give(Job::Bitrate(bitrate)) { Ok(()) } else { Err(refuse("the encoder is gone")) }
    }

    /// Says that nothing more will be pushed. Returns whether the encoder took it.
    pub(crate) fn end(&self) -> bool {
        self.give(Job::End)
    }

    /// Stops or resumes the flow into the encoder, as an encoder does that does not keep up.
    #[cfg(test)]
    pub(crate) fn hold(&self, held: bool) {
        let (sender, receiver) = bounded(0);
        if held {
            self.give(Job::Hold(receiver));
        }
        *crate::worker::lock(&self.held) = held.then_some(sender);
    }
}

impl Drop for NvencEngine {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        self.jobs = None;
        #[cfg(test)]
        {
            *crate::worker::lock(&self.held) = None;
        }
        // A driver that hangs would hold whoever waits for it; its thread is left behind with its session.
        if self.ended.recv_timeout(STOP) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("NVENC does not stop; its thread is left to itself");
        }
    }
}

/// The thread's side.
struct Encoder {
    plan: NvencPlan,
    /// None only while pictures change from one place to another.
    opened: Option<Opened>,
    /// The bitrate where it was changed.
    bitrate: Option<Kbps>,
}

/// An open session with all that it holds.
struct Opened {
    inputs: Box<dyn Inputs>,
    outputs: Outputs,
    /// Pictures the encoder may keep.
    delay: usize,
    changes_bitrate: bool,
    params: Box<PicParams>,
    /// Bitrate and buffer as they were at first, in bits per second and bits.
    promised: (u32, u32),
    session: Session,
}

impl Opened {
    /// Opens a session for pictures from where `first` is; from memory as long as there is none.
    fn open(plan: &NvencPlan, first: Option<&EncoderPicture>) -> Result<(Self, Applied), Error> {
        let failed = |reason: String| Error::Open { element: library::LIBRARY.to_owned(), reason };
        let failure = |failure: Failure| failed(failure.to_string());
        let driver = library::driver().map_err(failed)?;
        #[cfg(windows)]
        let on_adapter = first
            .and_then(EncoderPicture::on_adapter)
            .map(|picture| super::texture::device_of(picture))
            .transpose()
            .map_err(failed)?;
        #[cfg(not(windows))]
        let _ = first;
        #[cfg(windows)]
        let device = match &on_adapter {
            Some(device) => Device::Direct3d12(device.clone()),
            None => Device::for_memory(&driver).map_err(failed)?,
        };
        #[cfg(not(windows))]
        let device = Device::for_memory(&driver).map_err(failed)?;
        let mut session = Session::open(driver, device).map_err(failure)?;
        let mapping = plan.mapping.clone();
        let Settings { params, config, capabilities, delay, applied } =
            settings::plan(&session, library::LIBRARY, &plan.config, plan.profile, mapping)?;
        let promised = (config.rc.average_bit_rate, config.rc.vbv_buffer_size);
        session.initialize(params, config).map_err(failure)?;
        let (size, room) = (plan.config.size, delay + 1 + AHEAD);
        #[cfg(windows)]
        let buffers = match &on_adapter {
            Some(device) => super::texture::TextureBuffers::make(&session, device, size, room)
                .map(|buffers| Box::new(buffers) as Box<dyn super::output::Buffers>),
            None => DriverBuffers::make(&session, room)
                .map(|buffers| Box::new(buffers) as Box<dyn super::output::Buffers>),
        };
        #[cfg(not(windows))]
        let buffers = DriverBuffers::make(&session, room).map(Box::new);
        let mut outputs = Outputs::new(buffers.map_err(failure)?);
        #[cfg(windows)]
        let inputs = match &on_adapter {
            Some(_) => Ok(Box::new(super::texture::TextureInputs::new(size, room)) as Box<dyn Inputs>),
            None => {
                MemoryInputs::make(&session, size, room).map(|inputs| Box::new(inputs) as Box<dyn Inputs>)
            }
        };
        #[cfg(not(windows))]
        let inputs = MemoryInputs::make(&session, size, room).map(Box::new);
        let inputs = match inputs {
            Ok(inputs) => inputs,
            Err(reason) => {
                outputs.give_back(&session);
                return Err(failure(reason));
            }
        };
        let params = Box::new(PicParams {
            version: PicParams::VERSION,
            width: size.width_px(),
            height: size.height_px(),
            format: FORMAT_NV12,
            picture_struct: PICTURE_FRAME,
            ..PicParams::default()
        });
        let changes_bitrate = capabilities.changes_bitrate;
        Ok((Self { inputs, outputs, delay, changes_bitrate, params, promised, session }, applied))
    }
}

impl Encoder {
    fn open(plan: NvencPlan) -> Result<(Self, Applied), Error> {
        let (opened, applied) = Opened::open(&plan, None)?;
        Ok((Self { plan, opened: Some(opened), bitrate: None }, applied))
    }

    /// Pictures come from elsewhere than before: what is inside comes out, and a session for the others is opened. It
    /// begins with an IDR, which is the scheduled one when this is the first picture.
    fn adapt(&mut self, picture: &EncoderPicture, sink: &dyn Sink) -> Result<(), String> {
        if let Some(opened) = &mut self.opened {
            if opened.inputs.suits(picture) {
                return Ok(());
            }
            if opened.params.frame_index > 0 {
                opened.finish(sink).map_err(|failure| failure.to_string())?;
            }
        }
        // A GPU may have no room for both.
        self.opened = None;
        let (mut opened, _) = Opened::open(&self.plan, Some(picture)).map_err(|error| error.to_string())?;
        if let Some(bitrate) = self.bitrate {
            opened.set_bitrate(bitrate).map_err(|failure| failure.to_string())?;
        }
        self.opened = Some(opened);
        Ok(())
    }

    fn run(&mut self, queue: &Receiver<Job>, shared: &Shared, sink: &dyn Sink, fail_after: Option<u64>) {
        let mut pictures = 0;
        for job in queue {
            let done = match job {
                Job::Picture { picture, time, span, idr } => {
                    shared.waiting.fetch_sub(1, Ordering::AcqRel);
                    if shared.stopping.load(Ordering::Acquire) {
                        return;
                    }
                    if fail_after == Some(pictures) {
                        return sink.broken("it was told to break".to_owned());
                    }
                    pictures += 1;
                    if let Err(reason) = self.adapt(&picture, sink) {
                        return sink.broken(reason);
                    }
                    let Some(opened) = &mut self.opened else { return };
                    opened.submit(&picture, time, span, idr).and_then(|()| {
                        // The next picture goes in before the last is waited for.
                        let most = if queue.is_empty() { opened.delay } else { opened.delay + AHEAD };
                        opened.read_until(most, sink)
                    })
                }
                Job::Bitrate(bitrate) => {
                    self.bitrate = Some(bitrate);
                    self.opened.as_mut().map_or(Ok(()), |opened| opened.set_bitrate(bitrate))
                }
                Job::End => match self.opened.as_mut().map_or(Ok(()), |opened| opened.finish(sink)) {
                    Ok(()) => return sink.ended(),
                    Err(failure) => Err(failure),
                },
                #[cfg(test)]
                Job::Hold(until) => {
                    let _gone = until.recv();
                    Ok(())
                }
            };
            if let Err(failure) = done {
                tracing::warn!(%failure, "an encoder broke");
                return sink.broken(failure.to_string());
            }
        }
    }
}

impl Opened {
    fn submit(&mut self, picture: &EncoderPicture, time: u64, span: u64, idr: bool) -> Result<(), Failure> {
        let taken = self.inputs.put(&self.session, picture, time)?;
        let params = &mut self.params;
        params.output = self.outputs.next()?;
        params.input = taken.input;
        params.pitch = taken.pitch;
        params.timestamp = time;
        params.duration = span;
        params.flags = if idr { FLAG_FORCE_IDR | FLAG_OUTPUT_SPSPPS } else { 0 };
        let encoded = self.session.encode(params);
        params.frame_index = params.frame_index.wrapping_add(1);
        if let Err(failure) = encoded {
            self.outputs.take_back();
            self.inputs.release(&self.session, time);
            return Err(failure);
        }
        Ok(())
    }

    /// Reads access units until no more than `most` are due. What is due beyond `delay` the encoder is done with or at
    /// work on: it keeps no more pictures than that.
    fn read_until(&mut self, most: usize, sink: &dyn Sink) -> Result<(), Failure> {
        let Self { inputs, outputs, session, .. } = self;
        while outputs.due() > most {
            outputs.read(session, |time, bytes| {
                inputs.release(session, time);
                sink.encoded(i64::try_from(time).ok(), bytes, None);
            })?;
        }
        Ok(())
    }

    fn set_bitrate(&mut self, bitrate: Kbps) -> Result<(), Failure> {
        let bits = bitrate.0.saturating_mul(1000);
        let (promised, buffer) = self.promised;
        self.session.reconfigure(|config| {
            let rc = &mut config.rc;
            // At a variable rate the peak stays as far above as it was.
            let most = u64::from(rc.max_bit_rate) * u64::from(bits) / u64::from(rc.average_bit_rate.max(1));
            rc.average_bit_rate = bits;
            rc.max_bit_rate = u32::try_from(most).unwrap_or(u32::MAX).max(bits);
            // The buffer keeps its length in time, and never more than it was made for.
            let scaled = u64::from(buffer) * u64::from(bits.min(promised)) / u64::from(promised.max(1));
            rc.vbv_buffer_size = u32::try_from(scaled).unwrap_or(buffer);
            rc.vbv_initial_delay = rc.vbv_initial_delay.min(rc.vbv_buffer_size);
        })
    }

    /// Has everything come out that is inside.
    fn finish(&mut self, sink: &dyn Sink) -> Result<(), Failure> {
        let mut last =
            Box::new(PicParams { version: PicParams::VERSION, flags: FLAG_EOS, ..PicParams::default() });
        self.session.encode(&mut last)?;
        self.read_until(0, sink)
    }
}

impl Opened {
    /// Gives everything back.
    fn close(&mut self) {
        self.inputs.free(&self.session);
        self.outputs.give_back(&self.session);
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.close();
    }
}
