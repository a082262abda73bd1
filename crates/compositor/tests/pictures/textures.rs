//! Pictures handed over in the adapter's memory, read as an encoder reads them: by another queue, behind the fence.
#![allow(unsafe_code, reason = "Direct3D 12 is a C interface")]

use std::sync::Arc;

use compositor::{CanvasConfig, Compositor, Delivery, RenditionOutput, Scaler};
use scene::{Picture, SourceId};
use units::{EncoderPicture, Pts, Size, Texture, VideoFrame};
use windows::Win32::Foundation::{CloseHandle, WAIT_OBJECT_0};
use windows::Win32::Graphics::Direct3D12::*;
use windows::Win32::Graphics::Dxgi::Common::{DXGI_FORMAT_NV12, DXGI_FORMAT_UNKNOWN, DXGI_SAMPLE_DESC};
use windows::Win32::System::Threading::{CreateEventW, WaitForSingleObject};
use windows::core::{GUID, IUnknown, Interface as _, PCWSTR};

use crate::reference::Rgb;
use crate::studio::{PATIENCE, bgrx, gpu, in_memory, layer, photograph, size};

/// One plane of a texture, rows without padding.
///
/// # Safety
/// `resource` is alive, in COMMON, and of the device of `fence`.
unsafe fn plane(resource: &ID3D12Resource, plane: u32, fence: &ID3D12Fence, ready_at: u64) -> Vec<u8> {
    unsafe {
        let mut device: Option<ID3D12Device> = None;
        resource.GetDevice(&mut device).unwrap();
        let device = device.unwrap();
        let description = resource.GetDesc();
        let (mut footprint, mut rows, mut row_bytes, mut total) =
            (D3D12_PLACED_SUBRESOURCE_FOOTPRINT::default(), 0, 0, 0);
        device.GetCopyableFootprints(
            &description,
            plane,
            1,
            0,
            Some(&mut footprint),
            Some(&mut rows),
            Some(&mut row_bytes),
            Some(&mut total),
        );
        let heap = D3D12_HEAP_PROPERTIES { Type: D3D12_HEAP_TYPE_READBACK, ..Default::default() };
        let bytes = D3D12_RESOURCE_DESC {
            Dimension: D3D12_RESOURCE_DIMENSION_BUFFER,
            Width: total,
            Height: 1,
            DepthOrArraySize: 1,
            MipLevels: 1,
            Format: DXGI_FORMAT_UNKNOWN,
            SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
            Layout: D3D12_TEXTURE_LAYOUT_ROW_MAJOR,
            ..Default::default()
        };
        let mut buffer: Option<ID3D12Resource> = None;
        let state = D3D12_RESOURCE_STATE_COPY_DEST;
        device
            .CreateCommittedResource(&heap, D3D12_HEAP_FLAG_NONE, &bytes, state, None, &mut buffer)
            .unwrap();
        let buffer = buffer.unwrap();
        let kind = D3D12_COMMAND_LIST_TYPE_COPY;
        let queue: ID3D12CommandQueue = device
            .CreateCommandQueue(&D3D12_COMMAND_QUEUE_DESC { Type: kind, ..Default::default() })
            .unwrap();
        let allocator: ID3D12CommandAllocator = device.CreateCommandAllocator(kind).unwrap();
        let list: ID3D12GraphicsCommandList = device.CreateCommandList(0, kind, &allocator, None).unwrap();
        let mut to = D3D12_TEXTURE_COPY_LOCATION {
            pResource: std::mem::ManuallyDrop::new(Some(buffer.clone())),
            Type: D3D12_TEXTURE_COPY_TYPE_PLACED_FOOTPRINT,
            Anonymous: D3D12_TEXTURE_COPY_LOCATION_0 { PlacedFootprint: footprint },
        };
        let mut from = D3D12_TEXTURE_COPY_LOCATION {
            pResource: std::mem::ManuallyDrop::new(Some(resource.clone())),
            Type: D3D12_TEXTURE_COPY_TYPE_SUBRESOURCE_INDEX,
            Anonymous: D3D12_TEXTURE_COPY_LOCATION_0 { SubresourceIndex: plane },
        };
        list.CopyTextureRegion(&to, 0, 0, 0, &from, None);
        list.Close().unwrap();
        queue.Wait(fence, ready_at).unwrap();
        queue.ExecuteCommandLists(&[Some(list.cast().unwrap())]);
        let done: ID3D12Fence = device.CreateFence(0, D3D12_FENCE_FLAG_NONE).unwrap();
        queue.Signal(&done, 1).unwrap();
        let event = CreateEventW(None, false, false, PCWSTR::null()).unwrap();
        done.SetEventOnCompletion(1, event).unwrap();
        assert_eq!(WaitForSingleObject(event, 60_000), WAIT_OBJECT_0, "the fence is never reached");
        CloseHandle(event).unwrap();
        std::mem::ManuallyDrop::drop(&mut to.pResource);
        std::mem::ManuallyDrop::drop(&mut from.pResource);
        let mut start = std::ptr::null_mut();
        buffer.Map(0, None, Some(&mut start)).unwrap();
        let read = std::slice::from_raw_parts(start.cast::<u8>(), total as usize);
        let pitch = footprint.Footprint.RowPitch as usize;
        let found = (0..rows as usize).flat_map(|row| &read[row * pitch..][..row_bytes as usize]).copied();
        let found = found.collect();
        buffer.Unmap(0, None);
        found
    }
}

/// Luma and interleaved chroma of a texture.
fn read(texture: &Texture) -> [Vec<u8>; 2] {
    let (resource, fence) = (texture.resource as *mut _, texture.fence as *mut _);
    // SAFETY: `texture` and with it its holder are alive until the end, and what is borrowed is not let go.
    unsafe {
        let resource = ID3D12Resource::from_raw_borrowed(&resource).unwrap();
        let fence = ID3D12Fence::from_raw_borrowed(&fence).unwrap();
        let luma = plane(resource, 0, fence, texture.ready_at);
        if resource.GetDesc().Format == DXGI_FORMAT_NV12 {
            return [luma, plane(resource, 1, fence, texture.ready_at)];
        }
        let (mut carried, mut bytes) = (std::ptr::null_mut::<std::ffi::c_void>(), size_of::<usize>() as u32);
        let guid = GUID::from_u128(Texture::CHROMA_PLANE);
        resource.GetPrivateData(&guid, &mut bytes, Some((&raw mut carried).cast())).unwrap();
        let chroma: ID3D12Resource = IUnknown::from_raw(carried).cast().unwrap();
        [luma, plane(&chroma, 0, fence, texture.ready_at)]
    }
}

fn rows(frame: &VideoFrame) -> [Vec<u8>; 2] {
    let (width, height) = (frame.size().width_px() as usize, frame.size().height_px() as usize);
    let plane = |plane, rows| (0..rows).flat_map(|row| &frame.row(plane, row)[..width]).copied().collect();
    [plane(0, height), plane(1, height / 2)]
}

fn compositor(canvas: Size, sizes: &[(Size, Delivery)], by_processor: bool) -> Compositor {
    let renditions = sizes.iter();
    let renditions =
        renditions.map(|&(size, delivery)| RenditionOutput { size, scaler: Scaler::Bicubic, delivery });
    let config = CanvasConfig {
        size: canvas,
        renditions: renditions.collect(),
        in_flight: Some(2),
        by_processor: Some(by_processor),
    };
    Compositor::new(gpu(), &config).unwrap()
}

fn compose(compositor: &mut Compositor, number: i64, shown: &Arc<VideoFrame>) -> Vec<EncoderPicture> {
    let extent = (320.0, 180.0);
    let picture = Picture { layers: vec![layer(1, (0.0, 0.0), extent)], fade: None };
    compositor
        .compose(Pts::from_nanos(number * 20_000_000), &picture, &|_: SourceId| Some(shown.clone()))
        .unwrap();
    compositor.drain(PATIENCE).unwrap().unwrap().pictures
}

/// Direct3D 12 alone has them; where the tests were told to use Vulkan they must say so and go through memory.
fn hands_out() -> bool {
    let why_not = gpu().why_no_textures();
    assert_eq!(why_not.is_none(), gpu().info().backend == "dx12", "{why_not:?}");
    why_not.is_none()
}

#[test]
fn a_texture_holds_what_memory_would() {
    for by_processor in [false, true] {
        let (canvas, half) = (size(320, 180), size(160, 90));
        let wanted = [
            (canvas, Delivery::Texture),
            (half, Delivery::Texture),
            (half, Delivery::Memory),
            (canvas, Delivery::Memory),
        ];
        let mut compositor = compositor(canvas, &wanted, by_processor);
        for number in 0..4 {
            let shown = if number % 2 == 0 {
                photograph(320, 180)
            } else {
                Rgb::new(320, 180, |x, y| [x as f64 % 256.0, y as f64, 90.0])
            };
            let pictures = compose(&mut compositor, number, &bgrx(&shown));
            if !hands_out() {
                assert!(pictures.iter().all(|picture| picture.in_memory().is_some()));
                return;
            }
            for (texture, memory, wanted) in [(0, 3, canvas), (1, 2, half)] {
                let texture = pictures[texture].on_adapter().expect("a texture");
                let at = Pts::from_nanos(number * 20_000_000).at();
                assert_eq!((texture.size, texture.captured_at), (wanted, at));
                assert_eq!(Some(texture.adapter_luid), gpu().adapter_luid());
                let memory = rows(in_memory(&pictures[memory]));
                // The processor rounds on its own where it scales; what the adapter makes is equal to the last bit.
                let tolerance = if by_processor && wanted == half { 2 } else { 0 };
                for (found, wanted) in read(texture).iter().zip(&memory) {
                    assert_eq!(found.len(), wanted.len());
                    let worst = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
                    assert!(worst <= Some(tolerance), "{by_processor} {number} {worst:?}");
                }
            }
        }
        assert_eq!(compositor.in_memory_instead(), 0);
    }
}

#[test]
fn a_held_texture_is_not_written_again_and_a_full_ring_goes_through_memory() {
    if !hands_out() {
        return;
    }
    let canvas = size(320, 180);
    let mut compositor = compositor(canvas, &[(canvas, Delivery::Texture)], false);
    let shade = |number: i64| bgrx(&Rgb::new(4, 4, |_, _| [number as f64 * 3.0; 3]));
    let first = compose(&mut compositor, 0, &shade(0)).remove(0);
    let first = first.on_adapter().expect("a texture").clone();
    let before = read(&first);
    let mut held = Vec::new();
    for number in 1..80 {
        held.extend(compose(&mut compositor, number, &shade(number)));
    }
    let textures = held.iter().filter(|picture| picture.on_adapter().is_some()).count();
    assert!((8..79).contains(&textures), "{textures}");
    assert_eq!(compositor.in_memory_instead(), 79 - textures as u64);
    assert!(compositor.in_memory_instead() > 0);
    assert_eq!(read(&first), before);
    // Every held texture still is the frame it was, and what came through memory follows without a gap.
    for (number, picture) in (1..80u8).zip(&held) {
        let luma = match picture {
            EncoderPicture::Texture(texture) => read(texture)[0][0],
            EncoderPicture::Memory(frame) => frame.row(0, 0)[0],
        };
        let expected = 16.0 + 219.0 * f64::from(number) * 3.0 / 255.0;
        assert!((f64::from(luma) - expected).abs() <= 1.0, "{number} {luma} {expected}");
    }
    // Let go, they are used again; also after the compositor is gone a texture that is held stays readable.
    held.clear();
    let last = compose(&mut compositor, 80, &shade(80)).remove(0);
    let last = last.on_adapter().expect("a texture").clone();
    drop(compositor);
    assert!(read(&last)[0][0] > 200);
    assert_eq!(read(&first), before);
}

#[test]
fn a_repeated_frame_hands_out_the_same_texture() {
    if !hands_out() {
        return;
    }
    let canvas = size(320, 180);
    let mut compositor = compositor(canvas, &[(canvas, Delivery::Texture)], false);
    let shown = bgrx(&photograph(320, 180));
    let first = compose(&mut compositor, 0, &shown).remove(0);
    let again = compose(&mut compositor, 1, &shown).remove(0);
    let (first, again) = (first.on_adapter().expect("a texture"), again.on_adapter().expect("a texture"));
    assert_eq!((first.resource, first.ready_at), (again.resource, again.ready_at));
    assert!(again.captured_at > first.captured_at);
}
