//! Textures for encoders: those of Direct3D 12, or none.

#[cfg(windows)]
pub(crate) use crate::direct3d::{Lease, TextureRing, Written};

/// What there is of it without Direct3D 12: nothing. No value of these types exists.
#[cfg(not(windows))]
mod absent {
    use std::sync::Arc;

    use units::{MediaTime, Texture};

    use crate::painter::Planes;
    use crate::{Error, Gpu};

    #[derive(Debug)]
    pub(crate) enum TextureRing {}

    #[derive(Debug)]
    pub(crate) enum Lease {}

    #[derive(Clone, Debug)]
    pub(crate) enum Written {}

    impl TextureRing {
        pub(crate) fn new(_: &Gpu, _: &Planes) -> Result<Option<Self>, Error> {
            Ok(None)
        }

        pub(crate) fn reserve(&self) -> Result<Option<Lease>, Error> {
            match *self {}
        }

        pub(crate) fn sources(&self) -> &[wgpu::Texture; 2] {
            match *self {}
        }
    }

    impl Lease {
        pub(crate) fn write(self) -> Result<Written, Error> {
            match self {}
        }
    }

    impl Written {
        pub(crate) fn texture(&self, _: MediaTime) -> Arc<Texture> {
            match *self {}
        }
    }
}
#[cfg(not(windows))]
pub(crate) use absent::{Lease, TextureRing, Written};
