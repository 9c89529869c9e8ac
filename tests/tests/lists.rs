//! `make lists` writes what packages say, cleaned, and writes nothing when something is wrong.
//!
//! Method: the script runs with clients of registries that hand out packages made here, into a
//! folder of its own. Nothing is downloaded.
#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test is test code; clippy knows only functions marked as tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use vrfy_tests::program::root;

/// Packages by name, each with its licence, its file and the file's text.
type Packages = BTreeMap<&'static str, (&'static str, &'static str, String)>;

const NPM: &str = "#!/bin/sh\n/bin/cp \"$PACKAGES/$5.tgz\" \"$4/\"\n";
const PIP: &str = "#!/bin/sh\n/bin/cp \"$PACKAGES/$6.whl\" \"$5/\"\n";

struct Registry {
    folder: TempDir,
}

impl Registry {
    /// Clients of registries, and the lists that are kept by hand.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for (name, text) in [("npm", NPM), ("pip", PIP)] {
            fs::write(path.join(name), text).unwrap();
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(path.join(name), mode).unwrap();
        }
        fs::create_dir(path.join("lists")).unwrap();
        for name in ["big-providers.txt", "relays.txt", "corrections.txt"] {
            let from = root().join("host/data/lists").join(name);
            fs::copy(from, path.join("lists").join(name)).unwrap();
        }
        Self { folder }
    }

    /// Runs the script; whether it wrote, and what it said.
    fn update(&self, packages: &Packages, arguments: &[&str]) -> (bool, String) {
        let path = self.folder.path();
        let store = path.join("packages");
        let _ = fs::remove_dir_all(&store);
        for (name, (licence, file, text)) in packages {
            publish(&store, name, licence, file, text);
        }
        let output = Command::new("/usr/bin/python3")
            .arg(root().join("tests/tools/lists.py"))
            .arg("--lists")
            .arg(path.join("lists"))
            .args(arguments)
            .env("PATH", path)
            .env("PACKAGES", &store)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    fn list(&self, name: &str) -> String {
        let path = self.folder.path().join("lists").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    fn entries(&self, name: &str) -> Vec<String> {
        let text = self.list(name);
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    }
}

/// Makes a package as its registry would hand it out.
fn publish(store: &Path, name: &str, licence: &str, file: &str, text: &str) {
    let inside = store.join(name);
    let file = inside.join(file);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    fs::write(inside.join("LICENSE"), format!("{licence} of {name}\n")).unwrap();
    let is_wheel = name == "disposable-email-domains";
    let done = if is_wheel {
        let told = format!("Version: 1.2.3\nLicense-Expression: {licence}\n");
        fs::write(inside.join("METADATA"), told).unwrap();
        let archive = store.join(format!("{name}.whl"));
        let zip = ["-m", "zipfile", "-c"];
        let names = ["LICENSE", "METADATA", "pkg/"];
        let mut python = Command::new("/usr/bin/python3");
        python
            .args(zip)
            .arg(archive)
            .args(names)
            .current_dir(&inside)
            .status()
    } else {
        let told = format!(r#"{{"version": "1.2.3", "license": "{licence}"}}"#);
        fs::write(inside.join("package.json"), told).unwrap();
        let archive = store.join(format!("{name}.tgz"));
        let renamed = ["--transform", "s,^[.],package,", "."];
        let mut tar = Command::new("tar");
        tar.arg("czf")
            .arg(archive)
            .args(renamed)
            .current_dir(&inside)
            .status()
    };
    assert!(done.unwrap().success(), "{name}");
}

/// Packages as they should be: the names end in `.zz`, which nobody has.
fn packages() -> Packages {
    let big = fs::read_to_string(root().join("host/data/lists/big-providers.txt")).unwrap();
    let big: Vec<&str> = big.lines().filter(|line| !line.starts_with('#')).collect();
    let json = |more: &[&str]| serde_json::to_string(&[&big[..], more].concat()).unwrap();
    let thrown: Vec<String> = (0..30).map(|index| format!("'bin{index}.zz'")).collect();
    let blocklist = format!(
        "blocklist = {{'Thrown.ZZ', 'a.thrown.zz', 'b\u{fc}cher.zz', 'no name', 'x.test', {}}}\n",
        thrown.join(", ")
    );
    let roles = "const A = [\n  'sales',\n  'Team-1',\n  'xy',\n  '2024',\n  'a b',\n];\n";
    let free = ["post.zz", "one.zz", "thrown.zz", "school.ac.zz"];
    BTreeMap::from([
        (
            "disposable-email-domains",
            ("MIT", "pkg/__init__.py", blocklist),
        ),
        ("free-email-domains", ("MIT", "domains.json", json(&free))),
        ("email-providers", ("ISC", "all.json", json(&free[..1]))),
        (
            "freemail",
            (
                "ISC",
                "data/free.txt",
                [&big[..], &free[2..]].concat().join("\n"),
            ),
        ),
        (
            "role-based-email-addresses",
            ("MIT", "src/index.js", roles.to_owned()),
        ),
        (
            "tlds",
            ("MIT", "index.json", r#"["zz", "한국", "ZW"]"#.to_owned()),
        ),
    ])
}

#[test]
fn lists_are_cleaned_sorted_and_say_where_they_come_from() {
    let registry = Registry::new();
    let (wrote, said) = registry.update(&packages(), &[]);
    assert!(wrote, "{said}");
    let disposable = registry.entries("disposable-domains.txt");
    assert!(
        disposable.is_sorted() && disposable.len() == 32,
        "{disposable:?}"
    );
    for (entry, expected) in [
        (".thrown.zz", true),
        (".xn--bcher-kva.zz", true),
        (".a.thrown.zz", false),
        (".x.test", false),
    ] {
        assert_eq!(
            disposable.iter().any(|one| one == entry),
            expected,
            "{entry}"
        );
    }
    let free = registry.entries("free-providers.txt");
    for (entry, expected) in [
        ("post.zz", true),
        ("one.zz", false),
        ("thrown.zz", false),
        ("school.ac.zz", false),
    ] {
        assert_eq!(free.iter().any(|one| one == entry), expected, "{entry}");
    }
    let roles = registry.entries("role-accounts.txt");
    for (entry, expected) in [
        ("sales@", true),
        ("team-1@", true),
        ("postmaster@", true),
        ("hr@", true),
        ("xy@", false),
        ("2024@", false),
    ] {
        assert_eq!(roles.iter().any(|one| one == entry), expected, "{entry}");
    }
    assert_eq!(
        registry.entries("top-level-domains.txt"),
        ["xn--3e0b707e", "zw", "zz"]
    );
    let head = registry.list("free-providers.txt");
    assert!(
        head.contains("\n# From npm: email-providers 1.2.3, ISC, taken "),
        "{head}"
    );
    assert!(registry.list("LICENSES").contains("ISC of freemail"));
    assert!(
        said.contains("left out, invalid: 2, such as no name x.test"),
        "{said}"
    );
}

#[test]
fn nothing_is_written_when_a_guard_does_not_hold() {
    let registry = Registry::new();
    assert!(registry.update(&packages(), &[]).0);
    let before = registry.list("disposable-domains.txt");
    let big = registry.entries("big-providers.txt").remove(0);
    let relay = registry.entries("relays.txt").remove(0);
    let change = |name: &'static str, from: &str, to: &str| {
        let mut packages = packages();
        let (_, _, text) = packages.get_mut(name).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replace(from, to);
        packages
    };
    let mut licence = packages();
    licence.get_mut("freemail").unwrap().0 = "GPL-3.0";
    let mut gone = packages();
    gone.get_mut("tlds").unwrap().1 = "other.json";
    let fewer: String = (0..9).map(|index| format!(", 'bin{index}.zz'")).collect();
    let disposables = "disposable-email-domains";
    for (packages, complaint) in [
        (change(disposables, "no name", &big), "must not be"),
        (change(disposables, "no name", &relay), "must not be"),
        (licence, "has the licence 'GPL-3.0', it had 'ISC'"),
        (gone, "has no file /index.json any more"),
        (
            change(disposables, "blocklist", "other"),
            "no blocklist any more",
        ),
        (
            change(disposables, &fewer[2..], "'a.zz'"),
            "--accept-shrink",
        ),
    ] {
        let (wrote, said) = registry.update(&packages, &[]);
        assert!(!wrote && said.contains(complaint), "{complaint}: {said}");
        assert!(said.contains("nothing was written"), "{said}");
        assert_eq!(
            registry.list("disposable-domains.txt"),
            before,
            "{complaint}"
        );
    }
    let shrunk = change(disposables, &fewer[2..], "'a.zz'");
    let (wrote, said) = registry.update(&shrunk, &["--accept-shrink"]);
    assert!(
        wrote && registry.entries("disposable-domains.txt").len() == 24,
        "{said}"
    );
}
