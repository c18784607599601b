//! Where a secret is written to: stdout, or a file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use tokio::task::spawn_blocking;

use crate::cli::error::{CommandError, Kind};
use crate::cli::ui::Ui;
use crate::fs::{Existing, NewFile, directory_of};
use crate::sensitive::SecretValue;

/// What the system calls stdout, as if it were a file.
const STDOUT_PATHS: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Its owner reads and writes.
const PRIVATE_MODE: u32 = 0o600;

/// Where the answer goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(in crate::cli) struct OutputArgs {
    /// Write the value to a file; with `-` to stdout, even to a terminal
    #[arg(long, short, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Mode of the file
    #[arg(long, value_name = "MODE", value_parser = parse_mode, default_value = "0600", requires = "out")]
    file_mode: u32,
    /// Replace a file that exists, or write to something that is no regular file
    #[arg(long, requires = "out")]
    force: bool,
    /// End the output in a newline; for stdout
    #[arg(long)]
    newline: bool,
}

fn parse_mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= 0o777 && mode & 0o400 == 0 => {
            Err("its owner could not read the file; give one like 0600 or 0640".to_owned())
        }
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("give it in octal, like 0600 or 0640".to_owned()),
    }
}

/// A place that has been checked and is ready to be written.
#[derive(Debug)]
pub(in crate::cli) enum Output {
    Stdout {
        newline: bool,
        even_to_terminal: bool,
    },
    /// A new file beside the target, renamed over it when it is whole.
    Replace {
        target: PathBuf,
        new: NewFile,
        mode: u32,
        existing: Existing,
    },
    /// A pipe or a device, written directly.
    Device {
        target: PathBuf,
        file: File,
    },
    /// A file that is a mount point, as containers have them: no other file can be renamed over it.
    InPlace {
        target: PathBuf,
        file: File,
    },
}

impl OutputArgs {
    /// A private file, or stdout for `-`.
    pub(in crate::cli) const fn private_file(path: PathBuf, force: bool) -> Self {
        Self {
            out: Some(path),
            file_mode: PRIVATE_MODE,
            force,
            newline: false,
        }
    }

    /// Checks the target before anything is asked for.
    pub(in crate::cli) fn prepare(&self) -> anyhow::Result<Output> {
        match &self.out {
            None => Ok(Output::Stdout {
                newline: self.newline,
                even_to_terminal: false,
            }),
            Some(path) if path == Path::new("-") => Ok(Output::Stdout {
                newline: self.newline,
                even_to_terminal: true,
            }),
            Some(_) if self.newline => Err(CommandError::new(Kind::Usage, "--newline is for stdout")
                .hint("a file gets the value's bytes as they are; leave out --newline, or use --out -")
                .into()),
            Some(path) => self.prepare_file(path),
        }
    }

    fn prepare_file(&self, target: &Path) -> anyhow::Result<Output> {
        let shown = target.display();
        let refuse = |what: String, hint: &str| CommandError::new(Kind::Failed, what).hint(hint);
        let found = match fs::symlink_metadata(target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("{shown} cannot be written")),
        };
        // What appears after this check is not replaced.
        let existing = match found {
            Some(_) => Existing::Replace,
            None => Existing::Keep,
        };
        match found.map(|metadata| metadata.file_type()) {
            Some(_) if STDOUT_PATHS.iter().any(|path| target == Path::new(path)) => {
                return Err(refuse(format!("{shown} is stdout"), "use --out -").into());
            }
            Some(kind) if kind.is_symlink() => {
                return Err(refuse(format!("{shown} is a symbolic link"), "name the file itself").into());
            }
            Some(kind) if kind.is_dir() => {
                return Err(refuse(format!("{shown} is a directory"), "name a file in it").into());
            }
            Some(kind) if !self.force && !kind.is_file() => {
                let what = format!("{shown} is not a regular file");
                return Err(refuse(what, "--force writes to it").into());
            }
            Some(_) if !self.force => {
                return Err(refuse(format!("{shown} exists already"), "replace it with --force").into());
            }
            Some(kind) if !kind.is_file() => {
                return Ok(Output::Device {
                    target: target.to_owned(),
                    file: open_device(target)?,
                });
            }
            Some(_) if is_mount_point(target) => {
                let file = File::options().write(true).open(target);
                return Ok(Output::InPlace {
                    target: target.to_owned(),
                    file: file.with_context(|| cannot_write(target))?,
                });
            }
            _ => {}
        }
        let new =
            NewFile::create_in(directory_of(target)).with_context(|| format!("{shown} cannot be written"))?;
        Ok(Output::Replace {
            target: target.to_owned(),
            new,
            mode: self.file_mode,
            existing,
        })
    }
}

impl Output {
    /// Writes the value. A file is there whole, or as it was before, unless it is a mount point.
    pub(in crate::cli) async fn write(self, ui: &Ui, value: SecretValue) -> anyhow::Result<()> {
        match self {
            Self::Stdout {
                newline,
                even_to_terminal,
            } => ui.answer_value(value, newline, even_to_terminal).await,
            Self::Replace { ref target, .. }
            | Self::Device { ref target, .. }
            | Self::InPlace { ref target, .. } => {
                let cannot = cannot_write(target);
                self.write_with(move |file| file.write_all(value.expose()).context(cannot))
                    .await
            }
        }
    }

    /// Has `work` write the bytes. A file is there whole, or as it was before.
    ///
    /// It runs on a thread of its own: a disk or a reader may be slow, and Ctrl-C is noticed meanwhile. If this is
    /// dropped then, nothing is left of a new file.
    pub(in crate::cli) async fn write_with<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut dyn Write) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        match self {
            Self::Stdout { .. } => {
                let written = spawn_blocking(move || {
                    let mut stdout = io::stdout().lock();
                    let result = work(&mut stdout)?;
                    stdout.flush().context("stdout cannot be written")?;
                    Ok(result)
                });
                written.await?
            }
            Self::Replace {
                target,
                new,
                mode,
                existing,
            } => {
                let cannot = || cannot_write(&target);
                let mut file = new.writer().with_context(cannot)?;
                let written = spawn_blocking(move || {
                    let result = work(&mut file)?;
                    anyhow::Ok((result, set_mode(&file, mode).and_then(|()| file.sync_all())))
                });
                let (result, synced) = written.await??;
                synced.with_context(cannot)?;
                new.persist(&target, existing).with_context(cannot)?;
                Ok(result)
            }
            Self::Device { mut file, .. } => spawn_blocking(move || work(&mut file)).await?,
            Self::InPlace { target, mut file } => {
                let written = spawn_blocking(move || {
                    file.set_len(0)?;
                    let result = work(&mut file)?;
                    file.sync_all()?;
                    anyhow::Ok(result)
                });
                written.await?.with_context(|| cannot_write(&target))
            }
        }
    }
}

fn cannot_write(target: &Path) -> String {
    format!("{} cannot be written", target.display())
}

/// Whether something is mounted on the file itself (statx(2), since Linux 5.8).
#[cfg(target_os = "linux")]
fn is_mount_point(file: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    statx(CWD, file, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// Elsewhere it is not known; writing then fails when the file is to be renamed.
#[cfg(not(target_os = "linux"))]
const fn is_mount_point(_file: &Path) -> bool {
    false
}

/// Opens a pipe or a device. A pipe without a reader is an error, and is not waited for.
#[cfg(unix)]
fn open_device(target: &Path) -> anyhow::Result<File> {
    use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl, open};
    use rustix::io::Errno;

    let cannot = || cannot_write(target);
    match open(
        target,
        OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        Ok(device) => {
            let flags = fcntl_getfl(&device).with_context(cannot)?;
            fcntl_setfl(&device, flags - OFlags::NONBLOCK).with_context(cannot)?;
            Ok(device.into())
        }
        Err(Errno::NXIO) => Err(
            CommandError::new(Kind::Failed, format!("{}: nobody reads it", cannot()))
                .hint("start what reads the pipe first")
                .into(),
        ),
        Err(error) => Err(io::Error::from(error)).with_context(cannot),
    }
}

#[cfg(not(unix))]
fn open_device(target: &Path) -> anyhow::Result<File> {
    let file = File::options().write(true).open(target);
    file.with_context(|| cannot_write(target))
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_file: &File, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(target: &Path) -> Output {
        let args = OutputArgs {
            out: Some(target.to_owned()),
            file_mode: 0o600,
            force: false,
            newline: false,
        };
        args.prepare().unwrap()
    }

    fn entries(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[tokio::test]
    async fn nothing_is_left_of_a_file_that_is_given_up_while_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("file");
        let ui = Ui::new(&crate::cli::ui::options::GlobalArgs::silent());
        let writing = output(&target).write(&ui, vec![b'x'; 1 << 20].into());
        assert_eq!(entries(directory.path()), 1);
        tokio::select! {
            biased;
            written = writing => panic!("it cannot be whole at once: {written:?}"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(entries(directory.path()), 0);
        output(&target).write(&ui, b"x".to_vec().into()).await.unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"x");
        assert_eq!(entries(directory.path()), 1);
    }
}
