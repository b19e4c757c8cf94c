"""The solvers: each a generator that asks for what the model sees, and ends with the picture.

A solver is written as in a paper: it walks down the noise levels of its run, and wherever the paper
calls the model it says `x, x0 = yield x, sigma`. Whoever drives it (engine/sampler.py) answers with
the same x, or the one it put in its place, and the picture that the model saw in it. Noise levels
and all coefficients are Python floats, so that nothing waits for the device; x may be a plain
number too, which is how a run is walked dry to learn at which levels it will ask.

x is picture + sigma * noise in every one of them, which is what makes them short: DDIM is Euler
here, and PLMS the Adams-Bashforth method. diffusers has most of them as classes of 300 to 1,400
lines, each with spacings, starts and ends of its own; the tests hold ours to theirs.
"""
