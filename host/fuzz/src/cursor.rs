//! Settings and texts from the front of an input.

/// What of the input is not read yet. Where it ends early, zeros follow.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *first
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// One of these; there is at least one.
    pub(crate) fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()].clone()
    }

    /// A number of these steps; the default for zero.
    pub(crate) fn scaled(&mut self, default: usize, step: usize) -> usize {
        match self.byte() {
            0 => default,
            byte => (usize::from(byte) - 1) * step,
        }
    }

    /// What stands before the next NUL, as text.
    pub(crate) fn text(&mut self) -> String {
        let end = memchr::memchr(0, self.rest).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn into_rest(self) -> &'a [u8] {
        self.rest
    }
}
