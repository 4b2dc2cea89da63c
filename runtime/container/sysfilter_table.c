/*
 * container/sysfilter_table.c - which system calls a container may make. See sysfilter.h.
 *
 * Names only, by subject. clone, personality and socket are decided by their arguments
 * and stand in sysfilter.c. socketcall (32-bit x86) is refused: its arguments are behind
 * a pointer, so it would be a way around the rule for socket.
 */
#include <sys/capability.h>

#include "runtime/base/str.h"
#include "runtime/container/sysfilter.h"

const char sysfilter_allowed[] =
	/* files and directories */
	"access chdir chmod chown chown32 close close_range copy_file_range creat dup "
	"dup2 dup3 "
	"faccessat faccessat2 fadvise64 fadvise64_64 arm_fadvise64_64 fallocate fchdir "
	"fchmod "
	"fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync flock fstat "
	"fstat64 "
	"fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd "
	"getdents "
	"getdents64 ioctl lchown lchown32 link linkat _llseek lseek lstat lstat64 mkdir "
	"mkdirat "
	"mknod mknodat name_to_handle_at newfstatat _newselect open openat openat2 "
	"pread64 preadv "
	"preadv2 pwrite64 pwritev pwritev2 read readahead readdir readlink readlinkat "
	"readv "
	"rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs "
	"statfs64 "
	"statx symlink symlinkat sync sync_file_range sync_file_range2 "
	"arm_sync_file_range syncfs "
	"tee truncate truncate64 umask unlink unlinkat utime utimensat utimensat_time64 "
	"utimes "
	"vmsplice write writev cachestat "
	/* extended attributes */
	"fgetxattr flistxattr fremovexattr fsetxattr getxattr lgetxattr listxattr "
	"llistxattr "
	"lremovexattr lsetxattr removexattr setxattr getxattrat listxattrat "
	"removexattrat "
	"setxattrat "
	/* memory */
	"brk madvise memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 "
	"mprotect "
	"mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
	"process_mrelease remap_file_pages map_shadow_stack membarrier "
	/* processes, threads, signals */
	"alarm arch_prctl cacheflush capget capset execve execveat exit exit_group fork "
	"futex futex_time64 futex_requeue futex_wait futex_waitv futex_wake "
	"get_robust_list "
	"get_thread_area getpgid getpgrp getpid getppid getpriority getrusage getsid "
	"gettid kill "
	"modify_ldt nanosleep pause pidfd_open pidfd_send_signal prctl prlimit64 ptrace "
	"restart_syscall rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo "
	"rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 "
	"rt_tgsigqueueinfo "
	"set_robust_list set_thread_area set_tid_address set_tls setpgid setpriority "
	"setsid "
	"sigaltstack signal signalfd signalfd4 sigaction sigpending sigprocmask "
	"sigreturn "
	"sigsuspend tgkill tkill vfork wait4 waitid waitpid seccomp breakpoint "
	"landlock_add_rule landlock_create_ruleset landlock_restrict_self "
	/* users and limits */
	"getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 "
	"getresgid "
	"getresgid32 getresuid getresuid32 getrlimit getuid getuid32 setfsgid setfsgid32 "
	"setfsuid "
	"setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid "
	"setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setuid setuid32 "
	"ugetrlimit ulimit "
	/* scheduling */
	"getcpu ioprio_get ioprio_set sched_get_priority_max sched_get_priority_min "
	"sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
	"sched_rr_get_interval "
	"sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam "
	"sched_setscheduler sched_yield nice "
	/* clocks and timers */
	"adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 "
	"clock_gettime "
	"clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday "
	"setitimer "
	"time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 "
	"timer_settime timer_settime64 timerfd timerfd_create timerfd_gettime "
	"timerfd_gettime64 "
	"timerfd_settime timerfd_settime64 times "
	/* waiting for many things, pipes, events */
	"epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 "
	"epoll_wait "
	"epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init "
	"inotify_init1 inotify_rm_watch pipe pipe2 poll ppoll ppoll_time64 pselect6 "
	"pselect6_time64 select io_cancel io_destroy io_getevents io_pgetevents "
	"io_pgetevents_time64 io_setup io_submit "
	/* sockets, but for their creation */
	"accept accept4 bind connect getpeername getsockname getsockopt listen recv "
	"recvfrom "
	"recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt "
	"shutdown "
	"socketpair "
	/* System V and POSIX IPC */
	"ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 "
	"mq_timedsend "
	"mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop "
	"semtimedop "
	"semtimedop_time64 shmat shmctl shmdt shmget "
	/* about the system */
	"getrandom oldolduname olduname sysinfo uname";

const char sysfilter_denied[] =
	/* kernel keyrings are not namespaced */
	"add_key keyctl request_key "
	/* the rest of the kernel is not a container's */
	"create_module get_kernel_syms io_uring_enter io_uring_register io_uring_setup "
	"kexec_file_load kexec_load migrate_pages move_pages nfsservctl pivot_root "
	"query_module "
	"socketcall swapoff swapon _sysctl sysfs userfaultfd ustat uselib vm86 vm86old";

const struct sysfilter_gate sysfilter_gates[] = {
	{ CAP_SYS_ADMIN, "bpf fanotify_init fsconfig fsmount fsopen fspick "
			 "lookup_dcookie mount mount_setattr "
			 "move_mount open_tree perf_event_open quotactl quotactl_fd "
			 "setdomainname sethostname "
			 "setns syslog umount umount2 unshare" },
	{ CAP_BPF, "bpf" },
	{ CAP_PERFMON, "perf_event_open" },
	{ CAP_SYSLOG, "syslog" },
	{ CAP_DAC_READ_SEARCH, "open_by_handle_at" },
	{ CAP_SYS_BOOT, "reboot" },
	{ CAP_SYS_CHROOT, "chroot" },
	{ CAP_SYS_MODULE, "delete_module finit_module init_module" },
	{ CAP_SYS_NICE, "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
	{ CAP_SYS_PACCT, "acct" },
	{ CAP_SYS_PTRACE,
	  "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev" },
	{ CAP_SYS_RAWIO, "ioperm iopl" },
	{ CAP_SYS_TIME, "clock_settime clock_settime64 settimeofday stime" },
	{ CAP_SYS_TTY_CONFIG, "vhangup" },
};
const unsigned sysfilter_n_gates = ARRAY_LEN(sysfilter_gates);
