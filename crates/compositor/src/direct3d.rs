//! Direct3D 12: textures that an encoder reads where the compositor wrote them.
//!
//! wgpu draws luma into an R8 and chroma into an RG8 texture, leaves both as sources of copies, and submits. A command
//! list of ours, recorded once per texture of the ring, then copies both into the planes of an NV12 texture on the same
//! queue, and a fence of ours is signalled behind it. So no wgpu texture ever stands for a plane of another (wgpu's
//! state tracking would take the two planes for one), and nothing is staged for "the next submission", which the
//! window's thread might make: our list and our signal are put into the queue by the thread that just submitted the
//! drawing, and a queue works in order.
#![expect(unsafe_code, reason = "Direct3D 12 is a C interface")]

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use units::{MediaTime, Size, Texture};
use wgpu::hal::api::Dx12;
use windows::Win32::Foundation::{CloseHandle, FreeLibrary, WAIT_OBJECT_0};
use windows::Win32::Graphics::Direct3D12::*;
use windows::Win32::Graphics::Dxgi::Common::{
    DXGI_FORMAT, DXGI_FORMAT_NV12, DXGI_FORMAT_R8_UNORM, DXGI_FORMAT_R8G8_UNORM, DXGI_SAMPLE_DESC,
};
use windows::Win32::System::LibraryLoader::LoadLibraryW;
use windows::Win32::System::Threading::{CreateEventW, WaitForSingleObject};
use windows::core::{GUID, HSTRING, IUnknown, Interface as _, PCWSTR};

use crate::painter::Planes;
use crate::places::{Held, Places};
use crate::{Error, Gpu};

/// How long a ring waits for its last copies when it is given up, in milliseconds. An adapter that takes this long for
/// a command is reset by Windows (timeout detection and recovery, 2 s).
const PATIENCE_MS: u32 = 3000;

/// Number of the adapter behind `device`, or `None` where it is not driven through Direct3D 12.
pub(crate) fn adapter_luid(device: &wgpu::Device) -> Option<i64> {
    // SAFETY: the device is only asked for its number; nothing of it is kept or destroyed.
    let luid = unsafe { device.as_hal::<Dx12>()?.raw_device().GetAdapterLuid() };
    Some(i64::from(luid.HighPart) << 32 | i64::from(luid.LowPart))
}

/// Whether the system finds a library of this name.
pub(crate) fn has_library(name: &str) -> bool {
    // SAFETY: the name is a terminated string that outlives the call. Loading runs the library's own start, which for
    // the system libraries this is asked of does nothing but start; it is let go at once.
    unsafe {
        LoadLibraryW(&HSTRING::from(name)).is_ok_and(|library| {
            let _ = FreeLibrary(library);
            true
        })
    }
}

/// How the pictures lie in textures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// One texture with two planes.
    Nv12,
    /// Two textures, the second hung onto the first; see [`Texture::CHROMA_PLANE`].
    Pair,
}

/// A ring of textures filled from one pair of planes. Kept alive by everyone who holds one of its textures.
#[derive(Debug)]
pub(crate) struct TextureRing {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    device: ID3D12Device,
    queue: ID3D12CommandQueue,
    fence: ID3D12Fence,
    /// Value of the last signal that was asked for.
    signalled: AtomicU64,
    /// A call was refused: no further texture is written.
    is_broken: AtomicBool,
    adapter_luid: i64,
    size: Size,
    form: Form,
    /// Luma and chroma. wgpu frees a texture when its own commands are through with it, and knows nothing of ours, so
    /// they are held here until our commands are through too.
    sources: [wgpu::Texture; 2],
    raw_sources: [ID3D12Resource; 2],
    places: Arc<Places>,
    slots: Mutex<Vec<Slot>>,
}

/// One texture and the commands that fill it.
#[derive(Clone, Debug)]
struct Slot {
    texture: ID3D12Resource,
    commands: ID3D12CommandList,
    /// Holds the memory of `commands`.
    _allocator: ID3D12CommandAllocator,
}

impl TextureRing {
    /// A ring for copies of `planes`; `None` where the adapter is not driven through Direct3D 12.
    ///
    /// # Errors
    /// [`Error::Resource`] when Direct3D refuses.
    pub(crate) fn new(gpu: &Gpu, planes: &Planes) -> Result<Option<Self>, Error> {
        let sources = planes.textures();
        let [luma, chroma] = &sources;
        // SAFETY: what wgpu lends is only cloned, which takes a reference of our own. Device and queue are one of a
        // pair, and stay so. The textures are this device's, and live as long as `sources`.
        let borrowed = unsafe {
            let device = gpu.device().as_hal::<Dx12>().map(|device| device.raw_device().clone());
            let queue = gpu.queue().as_hal::<Dx12>().map(|queue| queue.as_raw().clone());
            let luma = luma.as_hal::<Dx12>().map(|texture| texture.raw_resource().clone());
            let chroma = chroma.as_hal::<Dx12>().map(|texture| texture.raw_resource().clone());
            device.zip(queue).zip(luma.zip(chroma))
        };
        let (Some(((device, queue), (luma, chroma))), Some(adapter_luid)) =
            (borrowed, adapter_luid(gpu.device()))
        else {
            return Ok(None);
        };
        // SAFETY: called on a live device with a constant and a flag.
        let fence: ID3D12Fence =
            unsafe { device.CreateFence(0, D3D12_FENCE_FLAG_NONE) }.map_err(refused("a fence"))?;
        let form = if has_two_plane_textures(&device) { Form::Nv12 } else { Form::Pair };
        let shared = Shared {
            device,
            queue,
            fence,
            signalled: AtomicU64::new(0),
            is_broken: AtomicBool::new(false),
            adapter_luid,
            size: planes.size,
            form,
            sources,
            raw_sources: [luma, chroma],
            places: Arc::default(),
            slots: Mutex::default(),
        };
        let ring = Self { shared: Arc::new(shared) };
        // Whether textures can be made at all is known before a picture depends on it.
        drop(ring.reserve()?);
        Ok(Some(ring))
    }

    /// Luma and chroma, to be left in the state of a copy's source before [`Lease::write`].
    pub(crate) fn sources(&self) -> &[wgpu::Texture; 2] {
        &self.shared.sources
    }

    /// A texture to write; `None` when all are held, or the ring is broken.
    ///
    /// # Errors
    /// [`Error::Resource`] when a further texture is needed and can not be made.
    pub(crate) fn reserve(&self) -> Result<Option<Lease>, Error> {
        let shared = &self.shared;
        if shared.is_broken.load(Ordering::Relaxed) {
            return Ok(None);
        }
        // SAFETY: called on a live fence.
        let completed = unsafe { shared.fence.GetCompletedValue() };
        let Some(held) = shared.places.take(completed) else { return Ok(None) };
        let mut slots = shared.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match slots.get(held.number()) {
            Some(slot) => slot.clone(),
            None => {
                let made = shared.slot().inspect_err(|_| shared.is_broken.store(true, Ordering::Relaxed))?;
                slots.push(made.clone());
                made
            }
        };
        drop(slots);
        Ok(Some(Lease { shared: Arc::clone(shared), held, slot }))
    }
}

impl Shared {
    /// A texture, and the commands that fill it.
    fn slot(&self) -> Result<Slot, Error> {
        let half = |px: u32| px.div_ceil(2);
        let (width, height) = (self.size.width_px(), self.size.height_px());
        let (texture, chroma) = match self.form {
            Form::Nv12 => {
                let texture = self.texture(DXGI_FORMAT_NV12, width, height)?;
                (texture.clone(), texture)
            }
            Form::Pair => {
                let luma = self.texture(DXGI_FORMAT_R8_UNORM, width, height)?;
                let chroma = self.texture(DXGI_FORMAT_R8G8_UNORM, half(width), half(height))?;
                let guid = GUID::from_u128(Texture::CHROMA_PLANE);
                let carried: IUnknown = chroma.cast().map_err(refused("a texture"))?;
                // SAFETY: both are live interfaces; luma takes a reference of its own.
                unsafe { luma.SetPrivateDataInterface(&guid, &carried) }.map_err(refused("a texture"))?;
                (luma, chroma)
            }
        };
        let [from_luma, from_chroma] = &self.raw_sources;
        let chroma_plane = u32::from(self.form == Form::Nv12);
        // SAFETY: the allocator is this list's alone and is kept beside it. All resources are this device's and live
        // as long as the ring. The sources are in the state of a copy's source whenever the list runs: the compositor
        // leaves them so at the end of the commands before. The texture is in COMMON before and after. Sizes are equal
        // plane by plane (`Planes::new`), and formats of a plane and of its source are of one family, as copies
        // require (Direct3D 12, "CopyTextureRegion", and "Formats for video" for the planes of NV12).
        unsafe {
            let allocator: ID3D12CommandAllocator = self
                .device
                .CreateCommandAllocator(D3D12_COMMAND_LIST_TYPE_DIRECT)
                .map_err(refused("a command allocator"))?;
            let list: ID3D12GraphicsCommandList = self
                .device
                .CreateCommandList(0, D3D12_COMMAND_LIST_TYPE_DIRECT, &allocator, None)
                .map_err(refused("a command list"))?;
            let targets = if self.form == Form::Nv12 { vec![&texture] } else { vec![&texture, &chroma] };
            transition(&list, &targets, D3D12_RESOURCE_STATE_COMMON, D3D12_RESOURCE_STATE_COPY_DEST);
            copy(&list, from_luma, (&texture, 0));
            copy(&list, from_chroma, (&chroma, chroma_plane));
            transition(&list, &targets, D3D12_RESOURCE_STATE_COPY_DEST, D3D12_RESOURCE_STATE_COMMON);
            list.Close().map_err(refused("a command list"))?;
            let commands = list.cast().map_err(refused("a command list"))?;
            Ok(Slot { texture, commands, _allocator: allocator })
        }
    }

    fn texture(&self, format: DXGI_FORMAT, width: u32, height: u32) -> Result<ID3D12Resource, Error> {
        let heap = D3D12_HEAP_PROPERTIES { Type: D3D12_HEAP_TYPE_DEFAULT, ..Default::default() };
        let description = D3D12_RESOURCE_DESC {
            Dimension: D3D12_RESOURCE_DIMENSION_TEXTURE2D,
            Width: u64::from(width),
            Height: height,
            DepthOrArraySize: 1,
            MipLevels: 1,
            Format: format,
            SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
            Layout: D3D12_TEXTURE_LAYOUT_UNKNOWN,
            ..Default::default()
        };
        let mut made: Option<ID3D12Resource> = None;
        // A resource of its own and no part of a heap of wgpu's: NVENC registers whole resources. Not shared: reader
        // and writer are one process on one device.
        // SAFETY: all pointers are to values that outlive the call.
        unsafe {
            self.device.CreateCommittedResource(
                &raw const heap,
                D3D12_HEAP_FLAG_NONE,
                &raw const description,
                D3D12_RESOURCE_STATE_COMMON,
                None,
                &raw mut made,
            )
        }
        .map_err(refused("a texture"))?;
        made.ok_or_else(|| Error::Resource { what: "Direct3D 12 gave no texture".to_owned() })
    }

    /// Whether the commands up to the last signal are through.
    fn is_idle(&self) -> bool {
        // SAFETY: called on a live fence.
        unsafe { self.fence.GetCompletedValue() >= self.signalled.load(Ordering::Relaxed) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.is_idle() || self.is_broken.load(Ordering::Relaxed) {
            return;
        }
        // The adapter may still be copying, for a few milliseconds at most; when it is lost, its fences are released.
        if !reaches(&self.fence, self.signalled.load(Ordering::Relaxed)) {
            tracing::warn!("a ring of textures was given up while the adapter may write it");
        }
    }
}

/// Waits until `fence` has reached `value`, for up to [`PATIENCE_MS`]. Says whether it has.
fn reaches(fence: &ID3D12Fence, value: u64) -> bool {
    // SAFETY: the event is made here, closed here once and used in between. A wait that is given up leaves the fence a
    // closed event to set, which it then can not.
    unsafe {
        let Ok(event) = CreateEventW(None, false, false, PCWSTR::null()) else { return false };
        let reached = fence.SetEventOnCompletion(value, event).is_ok()
            && WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0;
        let _ = CloseHandle(event);
        reached
    }
}

/// A texture about to be written.
#[derive(Debug)]
pub(crate) struct Lease {
    shared: Arc<Shared>,
    held: Held,
    slot: Slot,
}

impl Lease {
    /// Has the adapter copy both planes, behind everything that is in the queue. The commands that draw them must have
    /// been submitted, by this thread, and must have left them as sources of copies.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub(crate) fn write(self) -> Result<Written, Error> {
        let Self { shared, held, slot } = self;
        let ready_at = shared.signalled.fetch_add(1, Ordering::Relaxed) + 1;
        // SAFETY: the list is closed, and its last run is over, or its place would not have been given; see
        // `Shared::slot` for what it refers to. A queue may be called by several threads at once (Direct3D 12,
        // "Multi-engine synchronisation": queues are free-threaded).
        let signalled = unsafe {
            shared.queue.ExecuteCommandLists(&[Some(slot.commands.clone())]);
            shared.queue.Signal(&shared.fence, ready_at)
        };
        held.written(ready_at);
        if let Err(error) = signalled {
            shared.is_broken.store(true, Ordering::Relaxed);
            return Err(Error::DeviceLost { reason: format!("a fence could not be signalled: {error}") });
        }
        Ok(Written { lease: Arc::new(Self { shared, held, slot }), ready_at })
    }
}

/// A texture that is written, or will be when the fence says so.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    lease: Arc<Lease>,
    ready_at: u64,
}

impl Written {
    /// The texture as a picture taken at `at`.
    pub(crate) fn texture(&self, at: MediaTime) -> Arc<Texture> {
        let lease = &self.lease;
        Arc::new(Texture {
            size: lease.shared.size,
            captured_at: at,
            adapter_luid: lease.shared.adapter_luid,
            resource: lease.slot.texture.as_raw() as usize,
            fence: lease.shared.fence.as_raw() as usize,
            ready_at: self.ready_at,
            holder: self.lease.clone(),
        })
    }
}

/// Whether the device knows NV12 as a texture of two planes.
fn has_two_plane_textures(device: &ID3D12Device) -> bool {
    let mut answer = D3D12_FEATURE_DATA_FORMAT_INFO { Format: DXGI_FORMAT_NV12, PlaneCount: 0 };
    // SAFETY: the pointer is to a value of the type that this question has, with its size.
    let asked = unsafe {
        device.CheckFeatureSupport(
            D3D12_FEATURE_FORMAT_INFO,
            (&raw mut answer).cast(),
            size_of::<D3D12_FEATURE_DATA_FORMAT_INFO>() as u32,
        )
    };
    asked.is_ok() && answer.PlaneCount == 2
}

/// Records that `targets` go from one state to another.
///
/// # Safety
/// The list is being recorded and `targets` are of its device.
unsafe fn transition(
    list: &ID3D12GraphicsCommandList,
    targets: &[&ID3D12Resource],
    before: D3D12_RESOURCE_STATES,
    after: D3D12_RESOURCE_STATES,
) {
    let barriers: Vec<_> = targets
        .iter()
        .map(|target| D3D12_RESOURCE_BARRIER {
            Type: D3D12_RESOURCE_BARRIER_TYPE_TRANSITION,
            Flags: D3D12_RESOURCE_BARRIER_FLAG_NONE,
            Anonymous: D3D12_RESOURCE_BARRIER_0 {
                Transition: ManuallyDrop::new(D3D12_RESOURCE_TRANSITION_BARRIER {
                    pResource: lend(target),
                    Subresource: D3D12_RESOURCE_BARRIER_ALL_SUBRESOURCES,
                    StateBefore: before,
                    StateAfter: after,
                }),
            },
        })
        .collect();
    // SAFETY: the caller's promise.
    unsafe { list.ResourceBarrier(&barriers) };
}

/// Records the copy of the only plane of `from` into a plane of `to`.
///
/// # Safety
/// The list is being recorded, both are of its device, and the planes have one size and family of formats.
unsafe fn copy(list: &ID3D12GraphicsCommandList, from: &ID3D12Resource, (to, plane): (&ID3D12Resource, u32)) {
    let place = |resource, plane| D3D12_TEXTURE_COPY_LOCATION {
        pResource: lend(resource),
        Type: D3D12_TEXTURE_COPY_TYPE_SUBRESOURCE_INDEX,
        Anonymous: D3D12_TEXTURE_COPY_LOCATION_0 { SubresourceIndex: plane },
    };
    let (to, from) = (place(to, plane), place(from, 0));
    // SAFETY: the caller's promise; the places outlive the call.
    unsafe { list.CopyTextureRegion(&raw const to, 0, 0, 0, &raw const from, None) };
}

/// `resource` as a field of a structure that Direct3D only looks at, without a reference of its own.
fn lend(resource: &ID3D12Resource) -> ManuallyDrop<Option<ID3D12Resource>> {
    // SAFETY: an interface is one non-null pointer, which `Option` keeps as it is. The copy is never dropped, so no
    // reference is given back that was not taken, and the structures do not outlive what they borrow.
    unsafe { std::mem::transmute_copy(resource) }
}

fn refused(what: &'static str) -> impl FnOnce(windows::core::Error) -> Error {
    move |error| Error::Resource { what: format!("Direct3D 12 did not make {what}: {error}") }
}
