//! The words of a rule, for explanations. The automaton holds every phrase as a path from its root;
//! it is walked back, so that the phrases need not be kept a second time.

use super::{CHILD, HIT, LABEL, PHRASE, Phrases, Rule};

impl Rule {
    /// The phrases of this rule that the text has, as rules write them.
    pub(crate) fn words_in(&self, text: &str) -> Vec<String> {
        let phrases = Phrases::of(text);
        let mut words = Vec::new();
        for phrase in self.all.iter().chain(self.any).chain(self.also) {
            if phrases.has(*phrase) {
                words.extend(written(*phrase));
            }
        }
        words
    }
}

/// The phrase of that number: the spelling in small letters, of those that lead to it.
fn written(phrase: u16) -> Option<String> {
    let ends = (1..HIT.len()).filter(|state| {
        let ends_here = usize::from(HIT[*state]) == *state;
        ends_here && PHRASE[*state] == phrase
    });
    let is_capital = |letter: char| !letter.is_ascii() && letter.is_uppercase();
    ends.filter_map(spelled)
        .find(|spelling| !spelling.contains(is_capital))
}

/// What leads from the root to this state.
fn spelled(mut state: usize) -> Option<String> {
    let mut bytes = Vec::new();
    while state != 0 {
        bytes.push(LABEL[state]);
        // The children of a state are neighbours, so the parent is the last that begins before.
        state = CHILD.partition_point(|first| usize::from(*first) <= state) - 1;
    }
    bytes.reverse();
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::super::PHRASES;
    use super::*;

    #[test]
    fn every_phrase_is_written_as_it_was_read() {
        for (number, phrase) in (0..).zip(PHRASES) {
            assert_eq!(written(number).as_deref(), Some(phrase));
        }
    }
}
