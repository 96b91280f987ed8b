use super::*;

fn problem(path: &Path) -> &'static str {
    match FileKeys::open(path) {
        Err(Error::BadFile {
            path: named,
            problem,
        }) => {
            assert_eq!(named, path);
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_file_is_made_once_and_read_ever_after() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("master.key");
    let instance = InstanceId::random();
    let (key, wrapped) = FileKeys::open(&path)
        .unwrap()
        .generate(instance)
        .await
        .unwrap();

    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(
        (metadata.len(), metadata.permissions().mode() & 0o777),
        (32, 0o600)
    );
    let again = FileKeys::open(&path)
        .unwrap()
        .unwrap(instance, &wrapped)
        .await
        .unwrap();
    assert_eq!(again.expose(), key.expose());
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["master.key"]);
}

#[test]
fn a_file_that_cannot_be_trusted_is_refused_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("master.key");
    for length in [0, 31, 33, 64] {
        fs::write(&path, vec![7; length]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(problem(&path), "does not hold exactly 32 bytes");
        assert_eq!(fs::read(&path).unwrap(), vec![7; length]);
    }
    fs::write(&path, [7; 32]).unwrap();
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(
            problem(&path).starts_with("is open to group or others"),
            "{mode:o}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    FileKeys::open(&path).unwrap();
    assert_eq!(problem(dir.path()), "is not a regular file");
    assert!(matches!(
        FileKeys::open(dir.path().join("no/such/dir")),
        Err(Error::File { .. })
    ));
}

#[test]
fn processes_that_start_together_agree_on_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("master.key");
    let keys: Vec<_> = std::thread::scope(|scope| {
        let opens: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| FileKeys::open(&path)))
            .collect();
        opens
            .into_iter()
            .map(|open| *open.join().unwrap().unwrap().master.expose())
            .collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(fs::read(&path).unwrap(), keys[0]);
}

#[test]
fn derived_keys_depend_on_master_and_purpose() {
    let dir = tempfile::tempdir().unwrap();
    let one = FileKeys::open(dir.path().join("one.key")).unwrap();
    let two = FileKeys::open(dir.path().join("two.key")).unwrap();
    assert_eq!(one.derive("links"), one.derive("links"));
    assert_ne!(one.derive("links"), one.derive("others"));
    assert_ne!(one.derive("links"), two.derive("links"));
    assert_ne!(one.derive("links").as_slice(), one.master.expose());
}
