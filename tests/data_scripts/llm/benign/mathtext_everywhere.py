import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

plt.rcParams.update({"font.family": "serif", "mathtext.fontset": "cm", "font.size": 14})
fig, ax = plt.subplots(constrained_layout=True)
ax.plot([0, 1, 0.5, 0], [0, 0, 0.8, 0], "k")
ax.text(0.5, 0.3, r"$S_{\triangle ABC}=\frac{1}{2}ab\sin\gamma$", ha="center")
ax.text(0.5, -0.1, r"$\overline{AB} \parallel \overline{CD},\ \angle ABC \cong \angle DEF$", ha="center")
ax.text(0.0, 0.9, r"$\alpha + \beta + \gamma = 180^\circ,\quad \sqrt{a^2+b^2}=c,\quad A'B' \perp \vec{v}$")
ax.set_xlabel(r"$x\ [\mathrm{cm}]$")
ax.set_title(r"$\odot O:\ x^2 + y^2 \leq r^2 \Rightarrow \pi r^2$")
fig.savefig("output/formula.svg", format="svg", transparent=True)
