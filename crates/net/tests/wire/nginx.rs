//! nginx as a server of others: run as a child, with a folder and a configuration of its own.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::tools::{Program, nginx};

/// Far beyond what nginx needs: a hang becomes a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Nginx {
    pub(crate) port: u16,
    pub(crate) dir: TempDir,
    /// Ends when this does.
    _program: Program,
}

impl Nginx {
    /// `blocks` makes the configuration beyond the common part, of a port on loopback and a folder. Nginx takes no port
    /// 0, so a free one is looked for; whoever connects tries again until it listens.
    pub(crate) fn start(dir: TempDir, blocks: impl FnOnce(u16, &str) -> String) -> Self {
        let root = nginx();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder = dir.path().display();
        let config = format!(
            "load_module {}/usr/lib/nginx/modules/ngx_rtmp_module.so;
             daemon off;
             master_process off;
             pid {folder}/nginx.pid;
             error_log stderr warn;
             events {{ worker_connections 64; }}
             {}",
            root.display(),
            blocks(port, &folder.to_string())
        );
        std::fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let mut command = Command::new(root.join("usr/sbin/nginx"));
        command.args(["-e", "stderr", "-p"]).arg(dir.path()).arg("-c").arg(dir.path().join("nginx.conf"));
        Self { port, dir, _program: Program::start(&mut command) }
    }
}
