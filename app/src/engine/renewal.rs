//! A new compositor after the driver took the graphics device away (reset, update, removal), beside the running show.

use std::time::{Duration, Instant};

use compositor::{CanvasConfig, Compositor, Gpu, Preview};
use crossbeam_channel::{Receiver, TryRecvError, bounded};

/// How long a driver gets to come back: far longer than the two seconds for which Windows lets a card hang before it resets
/// it (Microsoft, “TDR registry keys”, `TdrDelay`), since an update takes longer than a reset.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time from one attempt to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// What an attempt led to.
pub(super) enum Renewed {
    NotYet,
    Ready(Box<(Gpu, Compositor)>),
    Failed(String),
}

/// A compositor that is being made.
pub(super) struct Renewal {
    made: Receiver<Result<Box<(Gpu, Compositor)>, String>>,
}

impl Renewal {
    /// Begins to make a compositor of `config` on whichever adapter the machine now has. Its pictures for the window go
    /// to `preview`.
    pub(super) fn begin(config: CanvasConfig, preview: Preview) -> Self {
        let (sender, made) = bounded(1);
        let started = std::thread::Builder::new().name("adapter".into()).spawn(move || {
            let _ = sender.send(make(&config, &preview));
        });
        if let Err(error) = started {
            tracing::error!(%error, "no thread to open the adapter on");
        }
        Self { made }
    }

    /// What has become of it. [`Renewed::Failed`] when no adapter opened for half a minute.
    pub(super) fn poll(&self) -> Renewed {
        match self.made.try_recv() {
            Ok(Ok(made)) => Renewed::Ready(made),
            Ok(Err(why)) => Renewed::Failed(why),
            Err(TryRecvError::Empty) => Renewed::NotYet,
            Err(TryRecvError::Disconnected) => Renewed::Failed("no adapter could be opened".into()),
        }
    }
}

fn make(config: &CanvasConfig, preview: &Preview) -> Result<Box<(Gpu, Compositor)>, String> {
    let begun = Instant::now();
    loop {
        let made = Gpu::open(None).and_then(|gpu| {
            let mut compositor = Compositor::new(&gpu, config)?;
            compositor.show_in(preview.clone());
            Ok(Box::new((gpu, compositor)))
        });
        match made {
            Ok(made) => return Ok(made),
            Err(error) if begun.elapsed() >= PATIENCE => return Err(error.to_string()),
            Err(error) => tracing::warn!(%error, "the adapter is not back yet"),
        }
        std::thread::sleep(PAUSE);
    }
}
