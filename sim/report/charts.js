// SPDX-License-Identifier: Apache-2.0
// Chart.js configurations for the kinds of charts that the data names.

const pointShapes = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "rectRounded", "dash"];

function axis(title, more = {}) {
    return {
        title: { display: Boolean(title), text: title, color: theme.muted },
        grid: { color: theme.rule }, ticks: { color: theme.muted, maxRotation: 0, callback: compact }, ...more
    };
}

// 12000000 as "12M", for axes.
function compact(value) {
    return Math.abs(value) < 1e5 ? readable(value) : value.toLocaleString("en", { notation: "compact" });
}

// Percentages up to 100 where they come near it, otherwise as the scale finds fit.
function mostPercent(data) {
    return data.series.some(series => series.points.some(([, y]) => y > 80)) ? 100 : undefined;
}

function options(scales, more = {}) {
    const { plugins, ...rest } = more;
    return {
        responsive: true, maintainAspectRatio: false, animation: false, scales,
        plugins: {
            legend: { labels: { color: theme.ink, boxWidth: 14, usePointStyle: false } },
            ...plugins
        },
        ...rest
    };
}

const makers = {
    lines(data) {
        const widths = data.series.flatMap(series => series.points.map(([x]) => x));
        // Once all colours are used: again, dashed and hollow.
        const datasets = data.series.map((series, i) => ({
            label: series.name, data: series.points.map(([x, y]) => ({ x, y })),
            borderColor: colourOf("lines", series.name, i),
            backgroundColor: i < pointShapes.length ? colourOf("lines", series.name, i) : theme.paper,
            borderDash: i < pointShapes.length ? [] : [6, 4],
            pointStyle: pointShapes[i % pointShapes.length], pointRadius: 5, borderWidth: 2, tension: 0, clip: false
        }));
        const legend = { labels: { color: theme.ink, boxWidth: 9, boxHeight: 9, usePointStyle: true } };
        const tooltip = {
            callbacks: {
                title: items => items[0].parsed.x + " bits",
                label: item => item.dataset.label + ": " + readable(item.parsed.y)
            }
        };
        return {
            type: "line", data: { datasets },
            options: options({ x: axis(data.x, { type: "linear", min: Math.min(...widths), max: Math.max(...widths),
                                                 ticks: { color: theme.muted, precision: 0, maxRotation: 0 } }),
                               y: axis(data.y, { min: 0, max: mostPercent(data) }) },
                             { plugins: { legend, tooltip }, interaction: { mode: "nearest", intersect: false } })
        };
    },

    stacked(data) {
        const datasets = data.series.map((series, i) => ({
            label: series.name, data: series.values, backgroundColor: colourOf(data.palette, series.name, i),
            borderColor: theme.paper, borderWidth: data.horizontal ? { right: 1 } : { top: 1 }, stack: "all"
        }));
        const category = axis(data.category, { stacked: true, grid: { display: false }, ticks: { color: theme.ink } });
        const value = axis(data.value, { stacked: true });
        const tooltip = { callbacks: { label: item => item.dataset.label + ": " + readable(item.raw) } };
        return {
            type: "bar", data: { labels: data.labels, datasets },
            options: options(data.horizontal ? { x: value, y: category } : { x: category, y: value },
                             { indexAxis: data.horizontal ? "y" : "x", plugins: { tooltip },
                               interaction: { mode: "nearest", axis: data.horizontal ? "y" : "x", intersect: true } })
        };
    },

    front(data) {
        const shown = ([x, y]) => data.close === undefined || (y >= data.close.least_y && x <= data.close.most_x);
        const points = list => list.filter(shown).map(([x, y, text]) => ({ x, y, text }));
        const shapes = { chosen: ["star", "vermillion", 11], "best uniform width": ["rectRot", "green", 8],
                         widest: ["triangle", "purple", 8] };
        const datasets = data.marks.filter(mark => shown(mark.at)).map(mark => {
            const [shape, colour, radius] = shapes[mark.name] || ["circle", "orange", 8];
            return { label: mark.name, data: points([mark.at]), pointStyle: shape, pointRadius: radius,
                     pointHoverRadius: radius + 2, borderColor: okabeIto[colour], backgroundColor: okabeIto[colour],
                     borderWidth: 3, showLine: false, clip: false };
        });
        datasets.push({ label: "Pareto front", data: points(data.front), showLine: true, stepped: "before",
                        borderColor: okabeIto.blue, backgroundColor: okabeIto.blue, borderWidth: 2, pointRadius: 4, clip: false });
        datasets.push({ label: "evaluated", data: points(data.points), borderColor: okabeIto.sky,
                        backgroundColor: "transparent", pointRadius: 3, borderWidth: 1.5, showLine: false, clip: false });
        const tooltip = {
            callbacks: { label: item => [item.raw.text, readable(item.raw.y) + " %, " + readable(item.raw.x)] }
        };
        return {
            type: "scatter", data: { datasets },
            options: options({ x: axis(data.x, { grace: "3%" }), y: axis(data.y, data.close === undefined ? { min: 0, max: 100 } : { grace: "8%" }) },
                             { plugins: { tooltip, legend: { labels: { color: theme.ink, usePointStyle: true } } } })
        };
    },

    // Least to greatest psum of each layer, and the layer's own limits as thick marks.
    ranges(data) {
        let reach = 4;
        for (const layer of data.layers) {
            reach = Math.max(reach, psumPlace(-layer.min), psumPlace(layer.max), limitPlace(layer.bits));
        }
        reach += 1.2;
        const bars = data.layers.map(layer => [psumPlace(layer.min), psumPlace(layer.max + 1)]);
        const ownLimits = {
            id: "ownLimits",
            afterDatasetsDraw(chart) {
                const { ctx, scales: { x, y } } = chart;
                const half = Math.min(24, (y.bottom - y.top) / data.layers.length / 2.4);
                ctx.save();
                ctx.strokeStyle = theme.ink;
                ctx.lineWidth = 4;
                data.layers.forEach((layer, i) => {
                    for (const side of [-1, 1]) {
                        const at = x.getPixelForValue(side * limitPlace(layer.bits));
                        ctx.beginPath();
                        ctx.moveTo(at, y.getPixelForValue(i) - half);
                        ctx.lineTo(at, y.getPixelForValue(i) + half);
                        ctx.stroke();
                    }
                });
                ctx.restore();
            }
        };
        const tooltip = {
            callbacks: {
                label: item => {
                    const layer = data.layers[item.dataIndex];
                    return readable(layer.min) + " to " + readable(layer.max) + ", " + layer.bits + " bits";
                }
            }
        };
        return {
            type: "bar",
            data: { labels: data.layers.map(layer => layer.name),
                    datasets: [{ data: bars, backgroundColor: okabeIto.blue, barPercentage: 0.5 }] },
            options: options({ x: psumScale(reach, data.x),
                               y: axis("", { grid: { display: false }, ticks: { color: theme.ink } }) },
                             { indexAxis: "y", layout: { padding: { top: 18, right: 22 } },
                               plugins: { legend: { display: false }, tooltip,
                                          limitLines: { lines: limitsWithin(reach, 0) } } }),
            plugins: [limitLines, ownLimits]
        };
    },

    histogram(data) {
        const share = count => 100 * count / data.total;
        const least = Math.min(...data.buckets.map(bucket => share(bucket[2])));
        const floor = 10 ** Math.floor(Math.log10(least) - 0.001);
        const points = [];
        let before = null;
        for (const [low, high, count] of data.buckets) {
            const from = psumPlace(low), to = psumPlace(high + 1);
            if (before === null || before < from) {
                if (before !== null) points.push({ x: before, y: floor });
                points.push({ x: from, y: floor });
            }
            const bucket = readable(low) + " to " + readable(high) + ": " + readable(count);
            points.push({ x: from, y: share(count), bucket }, { x: to, y: share(count), bucket });
            before = to;
        }
        points.push({ x: before, y: floor });
        const reach = Math.max(psumPlace(-data.buckets[0][0]), psumPlace(data.buckets[data.buckets.length - 1][1]),
                               limitPlace(data.bits)) + 0.8;
        const tooltip = { callbacks: { title: () => "", label: item => item.raw.bucket || "no sums" } };
        const percent = value => Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6) ? String(value) : "";
        return {
            type: "line",
            data: { datasets: [{ data: points, borderColor: okabeIto.blue, backgroundColor: okabeIto.blue + "59",
                                 borderWidth: 1.5, pointRadius: 0, fill: "start", tension: 0 }] },
            options: options({ x: psumScale(reach, data.x),
                               y: axis(data.y, { type: "logarithmic", min: floor,
                                                 ticks: { color: theme.muted, callback: percent } }) },
                             { layout: { padding: { top: 18, right: 22 } }, interaction: { mode: "nearest", intersect: false },
                               plugins: { legend: { display: false }, tooltip,
                                          limitLines: { lines: limitsWithin(reach, data.bits) } } }),
            plugins: [limitLines]
        };
    }
};
