// SPDX-License-Identifier: Apache-2.0
// The array seen from above, each element in the colour of its utilisation.

// From pale to dark blue; the steps differ in lightness, so that they read without colour too.
const heatColours = [[247, 251, 255], [198, 219, 239], [107, 174, 214], [33, 113, 181], [8, 48, 107]];

function heatColour(percent) {
    const place = Math.min(Math.max(percent, 0), 100) / 100 * (heatColours.length - 1);
    const step = Math.min(Math.floor(place), heatColours.length - 2);
    const mix = heatColours[step].map((low, i) => Math.round(low + (heatColours[step + 1][i] - low) * (place - step)));
    return "rgb(" + mix.join(",") + ")";
}

// Draws into a canvas of the frame's width; returns nothing to destroy.
function drawHeatmap(canvas, frame, data) {
    const rows = data.values.length / data.columns;
    const width = Math.min(frame.clientWidth, 340), margin = 22;
    const cell = Math.max(1, Math.min((width - margin) / data.columns, 300 / rows));
    const height = margin + cell * rows + 34;
    const density = Math.max(2, window.devicePixelRatio || 1);
    canvas.width = width * density;
    canvas.height = height * density;
    canvas.style.width = width + "px";
    canvas.style.height = height + "px";
    frame.style.height = height + "px";
    const ctx = canvas.getContext("2d");
    ctx.scale(density, density);
    ctx.font = "11px sans-serif";
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = theme.muted;
    const every = Math.max(1, Math.ceil(18 / cell));
    for (let c = 0; c < data.columns; c += every) ctx.fillText(c, margin + (c + 0.5) * cell, margin / 2);
    for (let r = 0; r < rows; r += every) ctx.fillText(r, margin / 2, margin + (r + 0.5) * cell);
    data.values.forEach((percent, i) => {
        const x = margin + i % data.columns * cell, y = margin + Math.floor(i / data.columns) * cell;
        ctx.fillStyle = heatColour(percent);
        ctx.fillRect(x, y, cell, cell);
        if (cell >= 6) {
            ctx.strokeStyle = theme.paper;
            ctx.strokeRect(x, y, cell, cell);
        }
        if (cell < 24) return;
        ctx.fillStyle = percent > 55 ? "#ffffff" : "#1b1f24";
        ctx.fillText(Math.round(percent), x + cell / 2, y + cell / 2);
    });
    const from = margin, to = margin + cell * data.columns, y = height - 24;
    for (let x = from; x < to; x += 1) {
        ctx.fillStyle = heatColour(100 * (x - from) / (to - from));
        ctx.fillRect(x, y, 1.5, 8);
    }
    ctx.fillStyle = theme.muted;
    ctx.textAlign = "left";
    ctx.fillText("0 %", from, y + 16);
    ctx.textAlign = "right";
    ctx.fillText("100 %", to, y + 16);
}
