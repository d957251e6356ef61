"""Makes system calls that no lesson needs: bpf, perf, io_uring, userfaultfd, keyctl, module loading, reboot flags."""
# into: 03_dot_product DotProduct
# stock: 0 of 8
# %% answer
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
# each with arguments that do nothing where it is allowed: EFAULT (14) or EINVAL (22) tell that it was let through
for name, number in {"bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "open_by_handle_at": 304}.items():
    ctypes.set_errno(0)
    result = libc.syscall(number, -1, None, -1, -1, -1)
    print(name, result, ctypes.get_errno())
