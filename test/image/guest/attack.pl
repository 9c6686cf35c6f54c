#!/usr/bin/perl
# Runs inside the service's own sandbox, as its user, and tries what a disk that took the collector over would try. Prints a line
# for each attempt: what the kernel said, or SUCCEEDED. The first lines are controls: what the collector needs must work.
use strict;
use warnings;
use Errno;
use Fcntl;
use POSIX ();
use Socket qw(inet_aton pack_sockaddr_in SOCK_RAW SOCK_DGRAM SOCK_STREAM AF_INET);

my ($disk, $root_disk, $endpoint, $outside) = @ARGV;
$| = 1;

# The kernel's numbers of the system calls, on x86_64 and on arm64.
my $machine = { x86_64 => 0, aarch64 => 1 }->{(POSIX::uname())[4]} // die 'no numbers of system calls are known for this machine';
my %number = (
  mknodat => [259, 33], finit_module => [313, 273], init_module => [175, 105], delete_module => [176, 106],
  kexec_load => [246, 104], bpf => [321, 280], perf_event_open => [298, 241], io_uring_setup => [425, 425],
  userfaultfd => [323, 282], keyctl => [250, 219], syslog => [103, 116], iopl => [172], reboot => [169, 142],
  settimeofday => [164, 170], sethostname => [170, 161], mount => [165, 40], umount2 => [166, 39],
  unshare => [272, 97], setns => [308, 268], chroot => [161, 51], swapon => [167, 224], setuid => [105, 146],
  capset => [126, 91], ptrace => [101, 117], process_vm_readv => [310, 270], setrlimit => [160, 164],
);

sub say_line { print join("\t", 'ATTACK', @_), "\n" }
sub name_of { my $code = shift; return 'EAGAIN' if $code == Errno::EAGAIN(); for (sort keys %!) { no strict 'refs'; return $_ if Errno->can($_) && Errno->can($_)->() == $code } return "errno $code" }
sub attempt {
  my ($what, $try) = @_;
  $! = 0;
  my $done = $try->();
  say_line($what, $done ? 'SUCCEEDED' : name_of($! + 0));
}
sub opens { my ($path, $flags) = @_; sub { sysopen(my $file, $path, $flags) } }
# A system call by its name; perl gives -1 for a failed one, and writes to no constant.
sub kernel { my ($call, @arguments) = @_; return syscall($number{$call}[$machine], @arguments) != -1 }
sub calls { my @call = @_; sub { kernel(@call) } }
sub connects { my ($to, $protocol) = @_; sub {
  my ($host, $port) = split /:/, $to;
  socket(my $socket, AF_INET, $protocol eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, 0) or return 0;
  connect($socket, pack_sockaddr_in($port, inet_aton($host))) or return 0;
  return $protocol eq 'tcp' || defined send($socket, 'x', 0);
} }

sleep 1 until -e $disk && -r $disk;
my ($collector) = `systemctl show --property=MainPID --value collector.service` =~ /(\d+)/;
open(my $source, '<', $disk) or die "the disk cannot be read: $!";

attempt("control: read the disk", sub { sysread($source, my $bytes, 512) });
attempt("control: connect to the endpoint", connects($endpoint, 'tcp'));
attempt("control: write to its own state", opens('/var/lib/cleanroom/attack', O_WRONLY | O_CREAT));
unlink '/var/lib/cleanroom/attack';

# The disk
attempt("open the disk for writing", opens($disk, O_WRONLY));
attempt("make the disk writable (BLKROSET)", sub { my $off = pack('i', 0); ioctl($source, 0x125D, $off) });
attempt("discard the disk's blocks (BLKDISCARD)", sub { my $range = pack('QQ', 0, 512); ioctl($source, 0x1277, $range) });
attempt("change the disk's mode", sub { chmod 0666, $disk });
attempt("make a device node for the disk", sub { kernel('mknodat', -100, '/tmp/node', 060600, (stat $disk)[6]) });
attempt("read the system's own disk", opens($root_disk, O_RDONLY));
attempt("change the disk's queue in sysfs", opens('/sys/block/' . ($disk =~ s{.*/}{}r) . '/queue/read_ahead_kb', O_WRONLY));

# Others' files
attempt("read /etc/shadow", opens('/etc/shadow', O_RDONLY));
attempt("read a person's file", opens('/home/investigator/notes', O_RDONLY));
attempt("read the machine's logs", opens('/var/log/secret', O_RDONLY));
attempt("read another service's file in /tmp", opens('/tmp/secret', O_RDONLY));
attempt("read the environment of process 1", opens('/proc/1/environ', O_RDONLY));
attempt("change its own code", opens('/usr/lib/cleanroom/collector.mjs', O_WRONLY));
attempt("change its own settings", opens('/etc/cleanroom/collector.json', O_WRONLY));
attempt("add a unit", opens('/etc/systemd/system/evil.service', O_WRONLY | O_CREAT));
attempt("run what it wrote", sub {
  open(my $file, '>', '/tmp/evil') or die; print $file "#!/bin/sh\nexit 0\n"; close $file; chmod 0755, '/tmp/evil';
  my $child = fork; if (!$child) { exec { '/tmp/evil' } '/tmp/evil' or POSIX::_exit($! + 0) } waitpid $child, 0; $! = $? >> 8; return $? == 0 });

# The network
attempt("connect to another host's port", connects($outside, 'tcp'));
attempt("send a datagram to another host", connects($outside, 'udp'));
attempt("open a raw socket", sub { socket(my $s, AF_INET, SOCK_RAW, 1) });
attempt("open a packet socket", sub { socket(my $s, 17, SOCK_RAW, 0) });
attempt("open a netlink socket", sub { socket(my $s, 16, SOCK_RAW, 9) });
attempt("open a socket to the hypervisor (vsock)", sub { socket(my $s, 40, SOCK_STREAM, 0) });

# The kernel
my ($module) = glob '/usr/lib/modules/*/kernel/fs/nls/nls_ascii.ko /lib/modules/*/kernel/fs/nls/nls_ascii.ko';
attempt("load a module from a file", sub { sysopen(my $f, $module // '/dev/null', O_RDONLY) or return 0; my $options = ''; kernel('finit_module', fileno $f, $options, 0) });
attempt("load a module from memory", calls('init_module', "\x7fELF", 4, ''));
attempt("unload a module", calls('delete_module', 'nvme', 0));
attempt("load another kernel", calls('kexec_load', 0, 0, 0, 0));
attempt("load a BPF program", calls('bpf', 5, "\0" x 128, 128));
attempt("watch performance counters", calls('perf_event_open', "\0" x 112, 0, -1, -1, 0));
attempt("set up io_uring", calls('io_uring_setup', 8, "\0" x 120));
attempt("handle page faults (userfaultfd)", calls('userfaultfd', 0));
attempt("use a keyring", calls('keyctl', 0, -3, 0));
attempt("read the kernel's log", calls('syslog', 3, "\0" x 64, 64));
attempt("change a kernel setting", opens('/proc/sys/kernel/core_pattern', O_WRONLY));
attempt("open the kernel's memory", opens('/dev/mem', O_RDONLY));
attempt("open the kernel's message device", opens('/dev/kmsg', O_WRONLY));
attempt("raise its I/O privilege", calls('iopl', 3)) if defined $number{iopl}[$machine];
attempt("reboot", calls('reboot', 0xfee1dead, 672274793, 0x1234567, 0));
attempt("power off over D-Bus", sub { my $code = system('systemctl --no-ask-password poweroff >/dev/null 2>&1'); $! = Errno::EPERM() if $code; return $code == 0 });
attempt("set the clock", calls('settimeofday', pack('qq', 1, 0), 0));
attempt("rename the host", calls('sethostname', 'evil', 4));
attempt("lift its memory limit", opens('/sys/fs/cgroup/system.slice/collector.service/memory.max', O_WRONLY));

# Mounts and name spaces
attempt("mount a file system", calls('mount', 'tmpfs', '/tmp', 'tmpfs', 0, 0));
attempt("mount the disk", calls('mount', $disk, '/tmp', 'ext4', 1, 0));
attempt("unmount a file system", calls('umount2', '/tmp', 2));
attempt("make a user name space", calls('unshare', 0x10000000));
attempt("make a mount name space", calls('unshare', 0x20000));
attempt("enter process 1's name space", sub { sysopen(my $ns, '/proc/1/ns/mnt', O_RDONLY) or return 0; kernel('setns', fileno $ns, 0) });
attempt("change its root", calls('chroot', '/tmp'));
attempt("swap on the disk", calls('swapon', $disk, 0));

# Other processes, and itself
attempt("become root", calls('setuid', 0));
attempt("take a capability", calls('capset', pack('LL', 0x20080522, 0), pack('L6', 1 << 21, 1 << 21, 0, 0, 0, 0)));
attempt("signal process 1", sub { kill 9, 1 });
attempt("trace the collector", calls('ptrace', 16, $collector + 0, 0, 0));
attempt("read the collector's memory", opens("/proc/$collector/mem", O_RDONLY));
attempt("read the collector's memory by system call", calls('process_vm_readv', $collector + 0, pack('QQ', 0, 0), 1, pack('QQ', 0, 0), 1, 0));
attempt("dump core", sub {
  my $child = fork; if (!$child) { kill 'SEGV', $$; sleep 5; POSIX::_exit(0) } waitpid $child, 0; $! = Errno::EPERM(); return ($? & 128) != 0 });
attempt("raise its core limit", calls('setrlimit', 4, pack('QQ', 1 << 20, 1 << 20)));
attempt("start a hundred processes", sub {
  my @children; for (1 .. 100) { my $child = fork; last unless defined $child; if (!$child) { sleep 60; POSIX::_exit(0) } push @children, $child }
  my $error = $! + 0; my $all = @children == 100; kill 'KILL', @children; waitpid $_, 0 for @children; $! = $error; return $all });

say_line('end', 'END');
