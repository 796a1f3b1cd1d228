//! Chance that comes from a seed: the same seed gives the same names, uids and orders.

/// A generator of numbers (SplitMix64): small, fast, and good enough for names and orders.
#[derive(Clone, Debug)]
pub struct Chance {
    state: u64,
}

/// The letters that Kubernetes makes names of: no vowels, so that no words come out.
const NAME_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator of its own for one purpose, so that more use of one does not change what another gives.
    #[must_use]
    pub fn fork(&self, purpose: &str) -> Self {
        // FNV-1a: the standard library's hashers promise no stability.
        let mark = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut fork = Self { state: self.state ^ mark };
        fork.number();
        fork
    }

    /// The next number; all 64 bits are equally random.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 when the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The bias of the remainder is about limit / 2^64: nothing here could notice it.
        self.number().checked_rem(limit).unwrap_or(0)
    }

    /// True `percent` times out of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the choices. `None` if there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let index = self.below(choices.len() as u64);
        choices.get(usize::try_from(index).unwrap_or(0))
    }

    /// A UUID of the random kind (version 4), as the API server gives out.
    pub fn uid(&mut self) -> String {
        let (high, low) = (self.number(), self.number());
        let high = (high & !0xf000) | 0x4000;
        let low = (low & !(0b11 << 62)) | (0b10 << 62);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// The end of a generated name.
    pub fn name_suffix(&mut self, letters: usize) -> String {
        (0..letters).map(|_| char::from(*self.pick(NAME_LETTERS).unwrap_or(&b'x'))).collect()
    }
}
