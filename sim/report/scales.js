// SPDX-License-Identifier: Apache-2.0
// The axis of psums: logarithmic to both sides of zero; and the limits of accumulator widths on it.

// A psum's place: sign * log2(1 + magnitude).
function psumPlace(value) {
    return Math.sign(value) * Math.log2(1 + Math.abs(value));
}

// Where a register of so many bits ends, on the positive side; its other end is the same place, negative.
function limitPlace(bits) {
    return psumPlace(2 ** (bits - 1));
}

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function powerText(exponent) {
    return "2" + String(exponent).split("").map(digit => superscripts[digit]).join("");
}

// A linear scale of places with ticks at powers of two, no wider than what is shown.
function psumScale(reach, title) {
    const most = Math.ceil(reach);
    const step = most > (narrow() ? 9 : 15) ? 4 : 2;
    return {
        type: "linear", min: -most, max: most,
        title: { display: true, text: title, color: theme.muted },
        grid: { color: theme.rule },
        afterBuildTicks: axis => {
            axis.ticks = [{ value: 0 }];
            for (let exponent = step; exponent < most; exponent += step) {
                const place = psumPlace(2 ** exponent);
                axis.ticks.push({ value: place }, { value: -place });
            }
            axis.ticks.sort((a, b) => a.value - b.value);
        },
        ticks: {
            color: theme.muted, autoSkip: false, maxRotation: 0,
            callback: place => {
                if (place === 0) return "0";
                return (place < 0 ? "−" : "") + powerText(Math.round(Math.log2(2 ** Math.abs(place) - 1)));
            }
        }
    };
}

// Draws vertical lines at places of the x axis: {place, text, own}.
const limitLines = {
    id: "limitLines",
    afterDatasetsDraw(chart, args, options) {
        const { ctx, chartArea: area, scales: { x } } = chart;
        ctx.save();
        ctx.font = "11px sans-serif";
        ctx.textAlign = "center";
        const texts = [];  // [left, right] of those written; the own width comes first, what would touch it is left out
        const lines = [...options.lines || []].sort((a, b) => Number(b.own) - Number(a.own));
        for (const line of lines) {
            const at = x.getPixelForValue(line.place);
            if (at < area.left - 1 || at > area.right + 1) continue;
            ctx.strokeStyle = line.own ? theme.ink : theme.muted;
            ctx.lineWidth = line.own ? 2.5 : 1;
            ctx.setLineDash(line.own ? [] : [3, 4]);
            ctx.beginPath();
            ctx.moveTo(at, area.top);
            ctx.lineTo(at, area.bottom);
            ctx.stroke();
            const half = ctx.measureText(line.text).width / 2 + 3;
            if (!line.text || texts.some(([left, right]) => at + half > left && at - half < right)) continue;
            texts.push([at - half, at + half]);
            ctx.fillStyle = line.own ? theme.ink : theme.muted;
            ctx.fillText(line.text, at, area.top - 5);
        }
        ctx.restore();
    }
};

// Limits of every second width that lies within reach, and of `own` (0: none).
function limitsWithin(reach, own) {
    const lines = [];
    const gap = narrow() ? 4 : 2;
    for (let bits = 4; limitPlace(bits) <= reach; bits += 1) {
        const mine = bits === own;
        if (!mine && (bits % gap !== 0 || Math.abs(bits - own) < gap / 2)) continue;
        const text = mine ? bits + " bits" : bits < 8 ? "" : String(bits);
        lines.push({ place: limitPlace(bits), text, own: mine }, { place: -limitPlace(bits), text, own: mine });
    }
    return lines;
}
