"""Has matplotlib start programs of the attacker's choice: LaTeX, and a film writer that is a shell."""

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.animation import FFMpegWriter, FuncAnimation

errors = []
figure, ax = plt.subplots()
matplotlib.rcParams["animation.ffmpeg_path"] = "/bin/sh"
try:
    FuncAnimation(figure, lambda _: [], frames=2).save(
        "@canary@/film.mp4", writer=FFMpegWriter(extra_args=["-c", "echo > @canary@/film"])
    )
except Exception as error:
    errors.append(error)
try:
    FuncAnimation(figure, lambda _: [], frames=2).save("@canary@/film.gif", writer="pillow")
except Exception as error:
    errors.append(error)
ax.text(0, 0, r"\immediate\write18{echo > @canary@/tex}", usetex=True)
try:
    figure.savefig("x.png")
except Exception as error:
    errors.append(error)
plt.close("all")
raise SystemExit(f"{len(errors)} refused: {errors[0]!r}")
