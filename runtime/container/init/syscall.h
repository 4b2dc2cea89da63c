/* container/init/syscall.h - system calls and entry point without a C library. Private to
 * init. */
#ifndef INIT_SYSCALL_H
#define INIT_SYSCALL_H

/** sys5() - a system call with five arguments. Return: its result, or -errno */
#if defined(__x86_64__)
static inline long sys5(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

__asm__(".globl _start\n"
	"_start:\n\t"
	"xorl %ebp, %ebp\n\t"
	"movq %rsp, %rdi\n\t"
	"andq $-16, %rsp\n\t"
	"call init_main\n\t"
	"hlt\n");
#elif defined(__aarch64__)
static inline long sys5(long nr, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}

__asm__(".globl _start\n"
	"_start:\n\t"
	"mov x29, xzr\n\t"
	"mov x0, sp\n\t"
	"bl init_main\n\t"
	"brk #1\n");
#else
#error "minibox-init: write sys5() and _start for this machine"
#endif

/** sys() - the same with four, which is enough for all but clone */
static inline long sys(long nr, long a, long b, long c, long d)
{
	return sys5(nr, a, b, c, d, 0);
}

#endif
