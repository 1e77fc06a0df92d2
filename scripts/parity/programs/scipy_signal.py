"""Signals: peaks, filters, spectra."""

import numpy as np
from scipy import signal

# within 1e-12
a = np.arange(12).reshape(3, 4)

# %% find_peaks
signal.find_peaks(np.array([0, 2, 0, 3, 1, 4, 0]))[0]

# %% peak_prominences
signal.peak_prominences(np.array([0, 2, 0, 3, 1]), np.array([1, 3]))[0]

# %% peak_widths
signal.peak_widths(np.array([0, 2, 0, 3, 1.0]), np.array([1, 3]))[0]

# %% argrelmax
signal.argrelmax(np.array([0, 2, 0, 3, 1]))[0]

# %% convolve
signal.convolve(np.arange(4), np.arange(3))

# %% convolve2d
signal.convolve2d(a, np.ones((2, 2), int))

# %% lfilter
signal.lfilter([1, 2], [1], np.arange(5))

# %% filtfilt butter
signal.filtfilt(*signal.butter(2, 0.2), np.arange(30))

# %% resample_poly
signal.resample_poly(np.arange(10), 2, 1)

# %% upfirdn
signal.upfirdn([1, 1], np.arange(4), 2)

# %% medfilt
signal.medfilt(np.arange(5))

# %% welch
signal.welch(np.arange(64))[1]

# %% max_len_seq
signal.max_len_seq(4)[0]

# %% spectrogram
signal.spectrogram(np.arange(300))[2]

# %% hilbert
abs(signal.hilbert(np.arange(8)))

# %% sosfilt butter
signal.sosfilt(signal.butter(2, 0.2, output="sos"), np.arange(5))

# %% lombscargle
signal.lombscargle(np.arange(1.0, 6), np.arange(5.0), [1.0])
