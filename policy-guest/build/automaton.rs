//! The automaton that finds all phrases in one pass over a text (Aho and Corasick's).
//!
//! States are numbered breadth first, so that the children of a state are neighbours: a state needs
//! only the number of its first child, and its own label. A lookup then touches little memory, and
//! the states near the root, which are met most, lie together.

use std::collections::{BTreeMap, VecDeque};

/// The automaton's tables, indexed by state. State 0 is the root.
#[derive(Default)]
pub(crate) struct Automaton {
    /// The byte on the edge into the state.
    pub(crate) label: Vec<u8>,
    /// The first child; the next state's first child ends the list. One entry longer.
    pub(crate) child: Vec<u16>,
    /// The state of the longest proper suffix.
    pub(crate) fail: Vec<u16>,
    /// The nearest state, itself included, along suffixes at which a phrase ends; 0 is none.
    pub(crate) hit: Vec<u16>,
    /// The phrase that ends at the state; meaningful only where `hit` names the state itself.
    pub(crate) phrase: Vec<u16>,
}

#[derive(Default)]
struct Node {
    children: BTreeMap<u8, usize>,
    phrase: Option<u16>,
}

impl Automaton {
    /// Builds the automaton of `phrases`, which must be distinct and not empty.
    pub(crate) fn of(phrases: &[String]) -> Self {
        let nodes = trie(phrases);
        let (order, parents) = breadth_first(&nodes);
        let number = |position: usize| u16::try_from(position).expect("rules fit 65,536 states");
        let mut position = vec![0; nodes.len()];
        for (at, node) in order.iter().enumerate() {
            position[*node] = at;
        }

        let mut made = Self::default();
        let mut next_child = 1;
        for (at, node) in order.iter().enumerate() {
            let (parent, label) = parents[*node];
            let parent = position[parent];
            made.label.push(label);
            made.child.push(number(next_child));
            next_child += nodes[*node].children.len();
            made.phrase.push(nodes[*node].phrase.unwrap_or(0));
            // The suffix of a state is shorter, so it has its number and its own links already.
            let fail = if parent == 0 {
                0
            } else {
                made.suffix(made.fail[parent], label, at)
            };
            made.fail.push(fail);
            let own = nodes[*node].phrase.is_some();
            let inherited = if at == 0 {
                0
            } else {
                made.hit[usize::from(fail)]
            };
            made.hit.push(if own { number(at) } else { inherited });
        }
        made.child.push(number(next_child));
        made
    }

    /// The root's children by their label: most bytes of a text lead back to the root.
    pub(crate) fn root(&self) -> Vec<u16> {
        let mut by_label = vec![0; 256];
        for child in self.child[0]..self.child[1] {
            by_label[usize::from(self.label[usize::from(child)])] = child;
        }
        by_label
    }

    /// For every state one bit for the low five bits of each child's label: most bytes that lead to
    /// no child are told by it without a look at the labels.
    pub(crate) fn masks(&self) -> Vec<u32> {
        let children = self
            .child
            .windows(2)
            .map(|ends| usize::from(ends[0])..usize::from(ends[1]));
        let bit = |label: &u8| 1 << (label % 32);
        children
            .map(|range| self.label[range].iter().map(bit).fold(0, |a, b| a | b))
            .collect()
    }

    /// The state reached from `state`, or from the longest of its suffixes, that goes on with
    /// `label`.
    fn suffix(&self, mut state: u16, label: u8, before: usize) -> u16 {
        loop {
            let first = usize::from(self.child[usize::from(state)]);
            let end = self
                .child
                .get(usize::from(state) + 1)
                .map_or(first, |end| usize::from(*end));
            let found = (first..end.min(before)).find(|child| self.label[*child] == label);
            match found {
                Some(child) => return u16::try_from(child).expect("states fit 16 bits"),
                None if state == 0 => return 0,
                None => state = self.fail[usize::from(state)],
            }
        }
    }
}

fn trie(phrases: &[String]) -> Vec<Node> {
    let mut nodes = vec![Node::default()];
    let number = |number| u16::try_from(number).expect("rules have fewer phrases");
    for (at, phrase) in phrases.iter().enumerate() {
        let end = insert(&mut nodes, phrase);
        nodes[end].phrase = Some(number(at));
    }
    for (at, phrase) in phrases.iter().enumerate() {
        for written in capitals(phrase) {
            let end = insert(&mut nodes, &written);
            nodes[end].phrase.get_or_insert_with(|| number(at));
        }
    }
    nodes
}

/// The node that `phrase` leads to.
fn insert(nodes: &mut Vec<Node>, phrase: &str) -> usize {
    let mut at = 0;
    for byte in phrase.bytes() {
        at = match nodes[at].children.get(&byte) {
            Some(child) => *child,
            None => {
                nodes.push(Node::default());
                let child = nodes.len() - 1;
                nodes[at].children.insert(byte, child);
                child
            }
        };
    }
    at
}

/// The phrase with its letters beyond ASCII in capitals: all of them, those that begin a word, that
/// which begins the phrase. A text comes with such letters as they were sent (`src/text.rs`), and
/// to know the few that occur in phrases costs less than to make small ones of all that may come.
fn capitals(phrase: &str) -> Vec<String> {
    if phrase.is_ascii() {
        return Vec::new();
    }
    let raised = |is_raised: &dyn Fn(usize, bool) -> bool| {
        let mut begins = true;
        let mut out = String::new();
        for (at, letter) in phrase.char_indices() {
            let capital = letter.to_uppercase().filter(|capital| !capital.is_ascii());
            match !letter.is_ascii() && is_raised(at, begins) && capital.clone().count() > 0 {
                true => out.extend(capital),
                false => out.push(letter),
            }
            begins = letter == ' ';
        }
        out
    };
    vec![
        raised(&|_, _| true),
        raised(&|_, begins| begins),
        raised(&|at, _| at == 0),
    ]
}

/// The nodes in breadth-first order, and the parent and label of each.
fn breadth_first(nodes: &[Node]) -> (Vec<usize>, Vec<(usize, u8)>) {
    let mut order = Vec::with_capacity(nodes.len());
    let mut parents = vec![(0, 0); nodes.len()];
    let mut queue = VecDeque::from([0]);
    while let Some(node) = queue.pop_front() {
        order.push(node);
        for (label, child) in &nodes[node].children {
            parents[*child] = (node, *label);
            queue.push_back(*child);
        }
    }
    (order, parents)
}
