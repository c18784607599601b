//! The file system of the data directory: locks and shared memory must work on it, and it must last.

use std::path::Path;

use rustix::fs::{statfs, statvfs};

use super::report::Report;

/// Least free space that is not worth a warning, in bytes.
const LITTLE_SPACE: u64 = 256 << 20;

/// What is known of a kind of file system.
enum Nature {
    /// Other machines may have it mounted too, or it is not a real file system.
    Shared,
    /// Its content is gone when the machine, or the container, is stopped.
    Fleeting,
}

/// File systems by the magic numbers of statfs(2).
const KNOWN: [(u32, &str, Nature); 10] = [
    (0x6969, "NFS", Nature::Shared),
    (0x517b, "SMB", Nature::Shared),
    (0xff53_4d42, "CIFS", Nature::Shared),
    (0xfe53_4d42, "SMB", Nature::Shared),
    (0x0102_1997, "9p", Nature::Shared),
    (0x00c3_6400, "Ceph", Nature::Shared),
    (0x6573_5546, "FUSE", Nature::Shared),
    (0x0102_1994, "tmpfs", Nature::Fleeting),
    (0x8584_58f6, "ramfs", Nature::Fleeting),
    (0x794c_7630, "overlayfs", Nature::Fleeting),
];

pub(super) fn check(directory: &Path, report: &mut Report) {
    kind(directory, report);
    space(directory, report);
}

fn kind(directory: &Path, report: &mut Report) {
    const CHECK: &str = "data-dir.file-system";
    let Ok(found) = statfs(directory) else {
        return;
    };
    // The magic numbers have 32 bits; where the field has more, they are extended by their sign.
    let magic = u32::try_from(i128::from(found.f_type) & i128::from(u32::MAX)).unwrap_or_default();
    match KNOWN.iter().find(|(known, _, _)| *known == magic) {
        Some((_, name, Nature::Shared)) => report.problem(
            CHECK,
            format!("it is on {name}, where the database's locks and shared memory may not work"),
            "keep the data directory on a disk of the machine that the server runs on",
        ),
        Some((_, name, Nature::Fleeting)) => report.warning(
            CHECK,
            format!("it is on {name}, which may not outlive a restart of the machine or of the container"),
            "keep the data directory on a disk, or on a volume",
        ),
        None => report.ok(CHECK, format!("it is on a local file system ({magic:#x})")),
    }
}

fn space(directory: &Path, report: &mut Report) {
    const CHECK: &str = "data-dir.space";
    let Ok(found) = statvfs(directory) else {
        return;
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let text = format!("{} MiB are free", free >> 20);
    if free < LITTLE_SPACE {
        report.warning(
            CHECK,
            text,
            "free some space: on a full disk nothing can be stored",
        );
    } else {
        report.ok(CHECK, text);
    }
}
