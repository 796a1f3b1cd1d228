//! Reads the ELF header of a program, to check that it is statically linked.

use anyhow::{Context, bail};

/// The type of the segment that names the loader of a dynamically linked program.
const PT_INTERP: u32 = 3;

/// The processor architecture of a program, by its name in OCI images. An error if the program is dynamically linked.
pub fn machine_of_static(program: &[u8]) -> anyhow::Result<&'static str> {
    // The magic number, then "64 bits" and "little endian".
    if !program.starts_with(b"\x7fELF\x02\x01") {
        bail!("this is no 64-bit little-endian ELF program");
    }
    let machine = match u16_at(program, 0x12)? {
        62 => "amd64",
        183 => "arm64",
        other => bail!(
            "the program is for ELF machine {other}; images are made for 62 (x86-64) and 183 (AArch64)"
        ),
    };
    let first = usize::try_from(u64_at(program, 0x20)?)?;
    let size = usize::from(u16_at(program, 0x36)?);
    let count = usize::from(u16_at(program, 0x38)?);
    for index in 0..count {
        let at = index
            .checked_mul(size)
            .and_then(|offset| offset.checked_add(first))
            .context("the ELF header is broken")?;
        if u32_at(program, at)? == PT_INTERP {
            bail!(
                "the program is linked dynamically: it would not start on a root without a loader"
            );
        }
    }
    Ok(machine)
}

fn bytes_at<const N: usize>(program: &[u8], at: usize) -> anyhow::Result<[u8; N]> {
    let bytes = program.get(at..).and_then(|rest| rest.first_chunk::<N>());
    bytes.copied().with_context(|| format!("the program ends before byte {at}"))
}

fn u16_at(program: &[u8], at: usize) -> anyhow::Result<u16> {
    bytes_at(program, at).map(u16::from_le_bytes)
}

fn u32_at(program: &[u8], at: usize) -> anyhow::Result<u32> {
    bytes_at(program, at).map(u32::from_le_bytes)
}

fn u64_at(program: &[u8], at: usize) -> anyhow::Result<u64> {
    bytes_at(program, at).map(u64::from_le_bytes)
}
