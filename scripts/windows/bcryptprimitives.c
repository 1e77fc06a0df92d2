/* bcryptprimitives.dll for wine 8, which lacks it: Rust programs take their random bytes from it.
   SystemFunction036 is what advapi32 calls RtlGenRandom. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    return SystemFunction036(data, (ULONG)length);
}
