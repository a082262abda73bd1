//! Pictures that stay on the GPU: Direct3D 12 textures, handed to the driver by fence, and buffers of our own for the access
//! units, as the driver wants them with Direct3D 12 (`nvEncodeAPI.h`, `NV_ENC_INPUT_RESOURCE_D3D12` and
//! `NV_ENC_OUTPUT_RESOURCE_D3D12`; programming guide, “DirectX 12”).
#![expect(unsafe_code, reason = "interfaces of Direct3D are called")]

use std::ffi::c_void;
use std::sync::Arc;

use nvenc_api::{
    FORMAT_NV12, FORMAT_U8, FencePointD3d12, InputResourceD3d12, OutputResourceD3d12, RegisterResource,
    Status, USAGE_INPUT_IMAGE, USAGE_OUTPUT_BITSTREAM,
};
use units::{EncoderPicture, Size, Texture};
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D12::{
    D3D12_FENCE_FLAG_NONE, D3D12_HEAP_FLAG_NONE, D3D12_HEAP_PROPERTIES, D3D12_HEAP_TYPE_READBACK,
    D3D12_RESOURCE_DESC, D3D12_RESOURCE_DIMENSION_BUFFER, D3D12_RESOURCE_STATE_COPY_DEST,
    D3D12_TEXTURE_LAYOUT_ROW_MAJOR, ID3D12Device, ID3D12Fence, ID3D12Resource,
};
use windows::Win32::Graphics::Dxgi::Common::DXGI_SAMPLE_DESC;
use windows::core::Interface;

use super::failure::Failure;
use super::input::{Inputs, Taken, full};
use super::output::Buffers;
use super::session::{Handle, Session};

/// Textures that stay registered; the compositor's ring has fewer.
const MOST_KNOWN: usize = 16;

fn gone(call: &'static str, error: &windows::core::Error) -> Failure {
    Failure { call, status: Status::DEVICE_NOT_EXIST, words: error.message() }
}

/// The device that a texture is of.
pub(super) fn device_of(texture: &Texture) -> Result<ID3D12Device, String> {
    let resource = resource_of(texture).ok_or("there is no texture")?;
    let mut device: Option<ID3D12Device> = None;
    // SAFETY: the pointer is to a local variable.
    unsafe { resource.GetDevice(&raw mut device) }.map_err(|error| error.message())?;
    device.ok_or_else(|| "a texture without a device".to_owned())
}

fn resource_of(texture: &Texture) -> Option<ID3D12Resource> {
    let address = texture.resource as *mut c_void;
    // SAFETY: `Texture` says that the address is that of the interface for as long as its holder lives; the clone has
    // a reference of its own.
    unsafe { ID3D12Resource::from_raw_borrowed(&address) }.cloned()
}

/// A texture that the driver knows. Our reference keeps its address from being used for another.
struct Known {
    resource: ID3D12Resource,
    registered: Handle,
    /// While pictures of it are inside.
    mapped: Option<Handle>,
    inside: usize,
}

/// A picture inside.
struct Inside {
    time: u64,
    address: usize,
    /// Read by the driver until the picture has come out.
    form: Box<InputResourceD3d12>,
    /// Keeps the compositor from drawing over it.
    _texture: Arc<Texture>,
}

/// Textures inside of the encoder.
pub(super) struct TextureInputs {
    size: Size,
    known: Vec<Known>,
    inside: Vec<Inside>,
    room: usize,
}

impl TextureInputs {
    /// For up to `room` pictures of `size` at once.
    pub(super) fn new(size: Size, room: usize) -> Self {
        Self { size, known: Vec::new(), inside: Vec::with_capacity(room), room }
    }

    /// The mapped form of a texture, which is registered when it comes for the first time.
    fn map(
        &mut self,
        session: &Session,
        texture: &Texture,
        mut ready: FencePointD3d12,
    ) -> Result<Handle, Failure> {
        let at = self.known.iter().position(|known| known.resource.as_raw() as usize == texture.resource);
        let at = match at {
            Some(at) => at,
            None => {
                if self.known.len() >= MOST_KNOWN
                    && let Some(idle) = self.known.iter().position(|known| known.inside == 0)
                {
                    session.unregister(self.known.remove(idle).registered);
                }
                let resource = resource_of(texture).ok_or_else(full)?;
                let mut params = RegisterResource {
                    version: RegisterResource::VERSION,
                    resource_type: nvenc_api::RESOURCE_DIRECTX,
                    width: self.size.width_px(),
                    height: self.size.height_px(),
                    resource: resource.as_raw(),
                    format: FORMAT_NV12,
                    usage: USAGE_INPUT_IMAGE,
                    input_fence_point: &raw mut ready,
                    ..RegisterResource::default()
                };
                let registered = session.register(&mut params)?;
                self.known.push(Known { resource, registered, mapped: None, inside: 0 });
                self.known.len() - 1
            }
        };
        let known = self.known.get_mut(at).ok_or_else(full)?;
        let mapped = match known.mapped {
            // A repeated picture is inside twice.
            Some(mapped) => mapped,
            None => *known.mapped.insert(session.map(known.registered)?),
        };
        known.inside += 1;
        Ok(mapped)
    }
}

impl Inputs for TextureInputs {
    fn suits(&self, picture: &EncoderPicture) -> bool {
        picture.on_adapter().is_some()
    }

    fn put(&mut self, session: &Session, picture: &EncoderPicture, time: u64) -> Result<Taken, Failure> {
        let EncoderPicture::Texture(texture) = picture else { return Err(full()) };
        if self.inside.len() >= self.room {
            return Err(full());
        }
        // The compositor's work may still be under way; the GPU waits for it, nobody else does.
        let ready = FencePointD3d12 {
            version: FencePointD3d12::VERSION,
            fence: texture.fence as *mut c_void,
            wait_value: texture.ready_at,
            flags: FencePointD3d12::WAIT,
            ..FencePointD3d12::default()
        };
        let mapped = self.map(session, texture, ready)?;
        let form = Box::new(InputResourceD3d12 {
            version: InputResourceD3d12::VERSION,
            buffer: mapped.0,
            fence_point: ready,
            ..InputResourceD3d12::default()
        });
        self.inside.push(Inside { time, address: texture.resource, form, _texture: texture.clone() });
        let form = self.inside.last_mut().ok_or_else(full)?;
        Ok(Taken { input: (&raw mut *form.form).cast(), pitch: 0 })
    }

    fn release(&mut self, session: &Session, time: u64) {
        let Some(at) = self.inside.iter().position(|inside| inside.time == time) else { return };
        let address = self.inside.remove(at).address;
        let Some(known) = self.known.iter_mut().find(|known| known.resource.as_raw() as usize == address)
        else {
            return;
        };
        known.inside = known.inside.saturating_sub(1);
        if known.inside == 0
            && let Some(mapped) = known.mapped.take()
        {
            session.unmap(mapped);
        }
    }

    fn free(&mut self, session: &Session) {
        for known in self.known.drain(..) {
            if let Some(mapped) = known.mapped {
                session.unmap(mapped);
            }
            session.unregister(known.registered);
        }
        self.inside.clear();
    }
}

struct Buffer {
    _resource: ID3D12Resource,
    registered: Handle,
    mapped: Handle,
    form: Box<OutputResourceD3d12>,
}

/// Buffers of our own in memory that the GPU writes and the processor reads, and the fence that tells when one is written.
pub(super) struct TextureBuffers {
    fence: ID3D12Fence,
    signalled: u64,
    buffers: Vec<Buffer>,
}

impl TextureBuffers {
    /// Makes `count` of them for access units of pictures of `size`.
    pub(super) fn make(
        session: &Session,
        device: &ID3D12Device,
        size: Size,
        count: usize,
    ) -> Result<Self, Failure> {
        let call = "ID3D12Device::CreateFence";
        // SAFETY: a plain call of the interface.
        let fence = unsafe { device.CreateFence::<ID3D12Fence>(0, D3D12_FENCE_FLAG_NONE) };
        let fence = fence.map_err(|error| gone(call, &error))?;
        let mut made = Self { fence, signalled: 0, buffers: Vec::with_capacity(count) };
        for _ in 0..count {
            match made.one(session, device, size) {
                Ok(buffer) => made.buffers.push(buffer),
                Err(failure) => {
                    made.free(session);
                    return Err(failure);
                }
            }
        }
        Ok(made)
    }

    fn one(&self, session: &Session, device: &ID3D12Device, size: Size) -> Result<Buffer, Failure> {
        // Twice the picture in NV12, as NVIDIA's samples have it: no access unit is larger.
        let bytes = (size.pixels() * 3).next_multiple_of(4096);
        let resource = readback(device, bytes)?;
        let mut params = RegisterResource {
            version: RegisterResource::VERSION,
            resource_type: nvenc_api::RESOURCE_DIRECTX,
            width: u32::try_from(bytes).unwrap_or(u32::MAX),
            height: 1,
            resource: resource.as_raw(),
            format: FORMAT_U8,
            usage: USAGE_OUTPUT_BITSTREAM,
            ..RegisterResource::default()
        };
        let registered = session.register(&mut params)?;
        let mapped = match session.map(registered) {
            Ok(mapped) => mapped,
            Err(failure) => {
                session.unregister(registered);
                return Err(failure);
            }
        };
        let form = Box::new(OutputResourceD3d12 {
            version: OutputResourceD3d12::VERSION,
            buffer: mapped.0,
            fence_point: FencePointD3d12 {
                version: FencePointD3d12::VERSION,
                fence: self.fence.as_raw(),
                flags: FencePointD3d12::SIGNAL,
                ..FencePointD3d12::default()
            },
            ..OutputResourceD3d12::default()
        });
        Ok(Buffer { _resource: resource, registered, mapped, form })
    }
}

fn readback(device: &ID3D12Device, bytes: u64) -> Result<ID3D12Resource, Failure> {
    let call = "ID3D12Device::CreateCommittedResource";
    let heap = D3D12_HEAP_PROPERTIES { Type: D3D12_HEAP_TYPE_READBACK, ..D3D12_HEAP_PROPERTIES::default() };
    let desc = D3D12_RESOURCE_DESC {
        Dimension: D3D12_RESOURCE_DIMENSION_BUFFER,
        Width: bytes,
        Height: 1,
        DepthOrArraySize: 1,
        MipLevels: 1,
        SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
        Layout: D3D12_TEXTURE_LAYOUT_ROW_MAJOR,
        ..D3D12_RESOURCE_DESC::default()
    };
    let mut made: Option<ID3D12Resource> = None;
    // SAFETY: all pointers are to local variables.
    let outcome = unsafe {
        device.CreateCommittedResource(
            &raw const heap,
            D3D12_HEAP_FLAG_NONE,
            &raw const desc,
            D3D12_RESOURCE_STATE_COPY_DEST,
            None,
            &raw mut made,
        )
    };
    outcome.map_err(|error| gone(call, &error))?;
    made.ok_or(Failure { call, status: Status::OUT_OF_MEMORY, words: String::new() })
}

impl Buffers for TextureBuffers {
    fn count(&self) -> usize {
        self.buffers.len()
    }

    fn hand_in(&mut self, number: usize) -> Option<*mut c_void> {
        self.signalled += 1;
        let form = &mut self.buffers.get_mut(number)?.form;
        form.fence_point.signal_value = self.signalled;
        Some((&raw mut **form).cast())
    }

    fn finished(&self, number: usize) -> Result<Option<*mut c_void>, Failure> {
        let Some(buffer) = self.buffers.get(number) else { return Ok(None) };
        let value = buffer.form.fence_point.signal_value;
        // SAFETY: without an event the call itself waits (Direct3D 12 reference, `SetEventOnCompletion`).
        unsafe { self.fence.SetEventOnCompletion(value, HANDLE::default()) }
            .map_err(|error| gone("ID3D12Fence::SetEventOnCompletion", &error))?;
        Ok(Some((&raw const *buffer.form).cast_mut().cast()))
    }

    fn free(&mut self, session: &Session) {
        for buffer in self.buffers.drain(..) {
            session.unmap(buffer.mapped);
            session.unregister(buffer.registered);
        }
    }
}
