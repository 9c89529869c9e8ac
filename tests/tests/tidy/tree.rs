//! The tree as text, and rules held against it.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the tree.
pub(crate) struct File {
    /// From the top of the tree, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The text before the unit tests, which stand last.
    pub(crate) fn code(&self) -> &str {
        let is_of_tests = |at: &usize| {
            let next = self.text[*at..].lines().nth(1);
            next.is_some_and(|line| line.ends_with("mod tests {"))
        };
        let mut marks = self.text.match_indices("#[cfg(test)]").map(|(at, _)| at);
        let end = marks.find(is_of_tests);
        end.map_or(&self.text, |end| &self.text[..end])
    }
}

impl Exception {
    fn covers(&self, path: &str) -> bool {
        path == self.path || (self.path.ends_with('/') && path.starts_with(self.path))
    }
}

/// Fails with every finding that no exception covers, and with every exception that covers none.
pub(crate) fn hold(
    files: &[File],
    exceptions: &[Exception],
    find: impl Fn(&File) -> Vec<(usize, String)>,
) {
    assert!(
        !files.is_empty(),
        "a rule that looks at nothing holds nothing"
    );
    let mut used = vec![false; exceptions.len()];
    let mut told = Vec::new();
    for file in files {
        for (line, what) in find(file) {
            match exceptions
                .iter()
                .position(|exception| exception.covers(&file.path))
            {
                Some(index) => used[index] = true,
                None => told.push(format!("{}:{line}: {what}", file.path)),
            }
        }
    }
    for (exception, _) in exceptions.iter().zip(used).filter(|(_, used)| !used) {
        let Exception { path, reason } = exception;
        if files.iter().any(|file| exception.covers(&file.path)) {
            told.push(format!("{path}: needs no exception any more ({reason})"));
        }
    }
    assert!(told.is_empty(), "\n{}\n", told.join("\n"));
}

/// What the rule says about each line of the file, with the line's number.
pub(crate) fn findings(file: &File, rule: impl Fn(&str) -> Option<String>) -> Vec<(usize, String)> {
    (1..)
        .zip(file.text.lines())
        .filter_map(|(number, line)| Some((number, rule(line)?)))
        .collect()
}

/// As [`findings`], for code alone: neither comments nor unit tests.
pub(crate) fn code_findings(
    file: &File,
    rule: impl Fn(&str) -> Option<String>,
) -> Vec<(usize, String)> {
    (1..)
        .zip(file.code().lines())
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter_map(|(number, line)| Some((number, rule(line)?)))
        .collect()
}

/// A path (a folder where it ends with `/`) that a rule leaves alone, and why.
pub(crate) struct Exception {
    path: &'static str,
    reason: &'static str,
}

pub(crate) const fn except(path: &'static str, reason: &'static str) -> Exception {
    Exception { path, reason }
}

pub(crate) fn rust_files() -> Vec<File> {
    files(|path| path.ends_with(".rs"))
}

/// Everything that people write; not what Cargo writes.
pub(crate) fn text_files() -> Vec<File> {
    files(|path| !path.ends_with("Cargo.lock"))
}

/// The files of the tree that are text and that are wanted, sorted by path.
pub(crate) fn files(is_wanted: impl Fn(&str) -> bool) -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the tree can be read") {
            let path = entry.expect("an entry of a folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // `target` is Cargo's; what is hidden is git's and the tools', but for CI's.
            if name == "target" || (name.starts_with('.') && name != ".ci") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = relative(&path);
            if is_wanted(&relative) {
                // What is no text (a certificate, a component) has no style.
                if let Ok(text) = fs::read_to_string(&path) {
                    files.push(File {
                        path: relative,
                        text,
                    });
                }
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn relative(path: &Path) -> String {
    let relative = path.strip_prefix(root()).expect("a path of the tree");
    relative.to_string_lossy().replace('\\', "/")
}

pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("`tests` is in the tree").to_owned()
}
