use std::io::Cursor;

use pombal_domain::time::UnixMs;
use pombal_domain::{Desired, InstanceId, Integration, Observed, Pairing, Settings};

use super::passphrase::{Kdf, SALT_BYTES};
use super::stream::{CHUNK_BYTES, SEALED_BYTES, TAG_BYTES};
use super::*;
use crate::kind::Kind;

/// The least that readers take, so that many derivations take little time.
const QUICK: Kdf = Kdf {
    memory_kib: 8 * 1024,
    passes: 1,
    lanes: 1,
    salt: [7; SALT_BYTES],
};

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery")
}

fn card() -> Card {
    Card {
        id: InstanceId::random(),
        name: "ana".parse().unwrap(),
        integration: Integration::Baileys,
        number: None,
        token: "A-SECRET-TOKEN".to_owned(),
        desired: Desired::Connected,
        pairing: Pairing::Qr,
        generation: 3,
        settings: Settings::default(),
        proxy: None,
        webhook: None,
        websocket: None,
        sqs: None,
        observed: Observed::never(),
        created_at: UnixMs(1),
        exported_at: UnixMs(2),
        exported_by: "0".to_owned(),
    }
}

fn row(n: u8, bytes: usize) -> Record {
    Record::Row(RowRecord {
        kind: Kind::SignalSession,
        hashes: vec![n; 32],
        expires_at_ms: n.is_multiple_of(2).then_some(i64::from(n)),
        value: Zeroizing::new(vec![n; bytes]),
    })
}

/// An archive whose rows have values of these lengths.
async fn archive(rows: &[usize]) -> Vec<u8> {
    archive_with(QUICK, rows).await
}

async fn archive_with(kdf: Kdf, rows: &[usize]) -> Vec<u8> {
    let mut file = SealWriter::start_with(Vec::new(), &passphrase(), kdf)
        .await
        .unwrap();
    file.write(&Record::Card(Box::new(card()))).await.unwrap();
    file.write(&Record::RowKey(Zeroizing::new([9; 32])))
        .await
        .unwrap();
    for (n, bytes) in rows.iter().enumerate() {
        file.write(&row(n as u8, *bytes)).await.unwrap();
    }
    let rows = rows.len() as u64;
    file.write(&Record::End { rows }).await.unwrap();
    file.finish().await.unwrap()
}

async fn open(bytes: &[u8]) -> Result<Archive<Cursor<Vec<u8>>>, ArchiveError> {
    Archive::open(Cursor::new(bytes.to_vec()), &passphrase()).await
}

/// Reads what follows the header, with a key that was derived before.
async fn read_body(
    header: &Header,
    key: &FileKey,
    body: &[u8],
) -> Result<Vec<RowRecord>, ArchiveError> {
    let mut records = OpenReader::new(body, header, key)?;
    front(&mut records).await?;
    let mut rows = Vec::new();
    loop {
        match records.next().await? {
            Record::Row(row) => rows.push(row),
            Record::End { rows: count } => {
                records.expect_end(count).await?;
                return Ok(rows);
            }
            _ => return Err(ArchiveError::Content("out of order")),
        }
    }
}

async fn header_and_key(file: &[u8]) -> (Header, FileKey) {
    let header = Header::read(&mut &file[..]).await.unwrap();
    let key = passphrase().derive(header.kdf()).await.unwrap();
    (header, key)
}

#[tokio::test]
async fn what_was_written_is_read() {
    // A value that ends on a chunk's end, and one over several chunks.
    for lengths in [&[][..], &[0, 1, 100], &[CHUNK_BYTES, 3 * CHUNK_BYTES, 5]] {
        let file = archive(lengths).await;
        let (header, key) = header_and_key(&file).await;
        let rows = read_body(&header, &key, &file[Header::BYTES..])
            .await
            .unwrap();
        assert_eq!(rows.len(), lengths.len());
        for (n, (row, bytes)) in rows.iter().zip(lengths).enumerate() {
            let n = n as u8;
            assert_eq!(*row.value, vec![n; *bytes]);
            assert_eq!(row.hashes, [n; 32]);
            assert_eq!(
                row.expires_at_ms,
                n.is_multiple_of(2).then_some(i64::from(n))
            );
        }
        let mut opened = open(&file).await.unwrap();
        assert_eq!(opened.card().token, "A-SECRET-TOKEN");
        // Verifying leaves it at the first row.
        assert_eq!(opened.verify().await.unwrap(), lengths.len() as u64);
        assert_eq!(opened.verify().await.unwrap(), lengths.len() as u64);
        assert_eq!(
            opened.next_row().await.unwrap().is_some(),
            !lengths.is_empty()
        );
    }
}

/// A chunk whose plain bytes fill it exactly and that is the last one.
#[tokio::test]
async fn a_full_last_chunk_is_the_last() {
    let empty = archive(&[0]).await.len();
    let fill = CHUNK_BYTES - (empty - Header::BYTES - TAG_BYTES);
    let file = archive(&[fill]).await;
    assert_eq!(file.len(), Header::BYTES + SEALED_BYTES);
    assert_eq!(open(&file).await.unwrap().verify().await.unwrap(), 1);
    let more = archive(&[fill + 1]).await;
    assert_eq!(more.len(), file.len() + 1 + TAG_BYTES);
    assert_eq!(open(&more).await.unwrap().verify().await.unwrap(), 1);
}

#[tokio::test]
async fn every_truncation_is_refused() {
    let file = archive(&[3, 200]).await;
    let (header, key) = header_and_key(&file).await;
    for length in 0..Header::BYTES {
        let opened = open(&file[..length]).await;
        assert!(opened.is_err(), "{length} bytes of a header opened");
    }
    for length in Header::BYTES..file.len() {
        let read = read_body(&header, &key, &file[Header::BYTES..length]).await;
        assert!(
            matches!(read, Err(ArchiveError::Damaged)),
            "{length} bytes opened"
        );
    }
}

#[tokio::test]
async fn every_flipped_bit_behind_the_header_is_refused() {
    let file = archive(&[3, 200]).await;
    let (header, key) = header_and_key(&file).await;
    let mut body = file[Header::BYTES..].to_vec();
    for at in 0..body.len() * 8 {
        body[at / 8] ^= 1 << (at % 8);
        let read = read_body(&header, &key, &body).await;
        assert!(matches!(read, Err(ArchiveError::Damaged)), "bit {at}");
        body[at / 8] ^= 1 << (at % 8);
    }
    assert_eq!(read_body(&header, &key, &body).await.unwrap().len(), 2);
}

#[tokio::test]
async fn every_changed_byte_of_the_header_is_refused() {
    let mut file = archive(&[3]).await;
    for at in 0..Header::BYTES {
        // Numbers are big-endian: their high bits are out of bounds, so one low bit each.
        let bit = 1 << (at % 3);
        file[at] ^= bit;
        let error = open(&file).await.err();
        let error = error.unwrap_or_else(|| panic!("a header with another byte {at} opened"));
        let expected = match at {
            0..16 => matches!(error, ArchiveError::NotAnArchive),
            16..18 => matches!(error, ArchiveError::TooNew { .. }),
            18..30 => matches!(error, ArchiveError::Parameters | ArchiveError::Passphrase),
            _ => matches!(error, ArchiveError::Passphrase),
        };
        assert!(expected, "byte {at}: {error:?}");
        file[at] ^= bit;
    }
    assert!(open(&file).await.is_ok());
}

#[tokio::test]
async fn chunks_that_are_moved_repeated_dropped_or_added_are_refused() {
    let file = archive(&[CHUNK_BYTES, CHUNK_BYTES, 1000]).await;
    let (header, key) = header_and_key(&file).await;
    let chunks: Vec<&[u8]> = file[Header::BYTES..].chunks(SEALED_BYTES).collect();
    let &[a, b, c] = chunks.as_slice() else {
        panic!("{} chunks", chunks.len())
    };
    let good = read_body(&header, &key, &[a, b, c].concat()).await;
    assert_eq!(good.unwrap().len(), 3);
    for order in [
        vec![b, a, c],
        vec![a, c],
        vec![a, b],
        vec![a, b, b, c],
        vec![a, b, c, c],
        vec![a, b, c, &[0]],
        vec![a, b, c, a],
        vec![c],
        vec![],
    ] {
        let read = read_body(&header, &key, &order.concat()).await;
        assert!(matches!(read, Err(ArchiveError::Damaged)));
    }
    // Chunks of another file under the same passphrase: it has another salt, so another key.
    let kdf = Kdf {
        salt: [8; SALT_BYTES],
        ..QUICK
    };
    let other = archive_with(kdf, &[CHUNK_BYTES, CHUNK_BYTES, 1000]).await;
    let start = Header::BYTES + SEALED_BYTES;
    let mixed = [&file[..start], &other[start..]].concat();
    let mut mixed = open(&mixed).await.unwrap();
    assert!(matches!(mixed.verify().await, Err(ArchiveError::Damaged)));
}

#[tokio::test]
async fn another_passphrase_another_file_and_a_later_version_are_told_apart() {
    let mut file = archive(&[3]).await;
    let wrong = Passphrase::new("correct horse batterx");
    let opened = Archive::open(Cursor::new(file.clone()), &wrong).await;
    assert!(matches!(opened.err(), Some(ArchiveError::Passphrase)));

    file[17] = 2;
    let error = open(&file).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the file has format 2, and this program reads formats up to 1"
    );
    let other = open(b"SQLite format 3\0 and so on").await;
    assert!(matches!(other.err(), Some(ArchiveError::NotAnArchive)));
}

#[tokio::test]
async fn a_file_can_not_ask_for_all_memory_or_for_almost_none() {
    let file = archive(&[3]).await;
    for (offset, number) in [
        (18, u32::MAX),
        (18, 1024 * 1024 + 1),
        (18, 8 * 1024 - 1),
        (22, 0),
        (22, 65),
        (26, 0),
        (26, 17),
    ] {
        let mut changed = file.clone();
        changed[offset..offset + 4].copy_from_slice(&number.to_be_bytes());
        let opened = open(&changed).await;
        assert!(
            matches!(opened.err(), Some(ArchiveError::Parameters)),
            "{number} at {offset}"
        );
    }
    let (ours, next) = (Kdf::recommended().unwrap(), Kdf::recommended().unwrap());
    assert_eq!(ours.checked().unwrap(), ours);
    // No two files share a key, so none share a nonce under one.
    assert_ne!(ours.salt, next.salt);
}

#[tokio::test]
async fn nothing_is_readable_and_nothing_prints_itself() {
    let file = archive(&[30]).await;
    for needle in [&b"A-SECRET-TOKEN"[..], b"ana", b"correct horse", &[9; 32]] {
        assert!(!file.windows(needle.len()).any(|part| part == needle));
    }
    let shown = format!("{:?} {:?}", passphrase(), card());
    for secret in ["horse", "TOKEN", "ana"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
