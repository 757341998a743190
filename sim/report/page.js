// SPDX-License-Identifier: Apache-2.0
// Builds the page from the data and draws its charts, again when colours, width or medium change.

const report = JSON.parse(document.getElementById("data").textContent);
const drawings = [];  // {canvas, frame, data, chart}

function element(tag, text, parent, className) {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (className) made.className = className;
    if (parent) parent.append(made);
    return made;
}

function addTable(parent, table) {
    const details = element("details", null, parent);
    element("summary", "Table (" + readable(table.rows.length) + " rows)", details);
    const made = element("table", null, element("div", null, details, "scroll"));
    const isText = table.headers.map((header, c) => table.rows.some(row => typeof row[c] === "string" && row[c] !== ""));
    const head = element("tr", null, element("thead", null, made));
    table.headers.forEach((header, c) => element("th", header, head, isText[c] ? "text" : ""));
    const body = element("tbody", null, made);
    for (const row of table.rows) {
        const line = element("tr", null, body);
        row.forEach((cell, c) => {
            const text = readable(cell), longest = 60;
            const isLong = isText[c] && text.length > longest;
            const shown = isLong ? text.slice(0, longest / 2) + "\u2026" + text.slice(-longest / 2) : text;
            const made = element("td", shown, line, isText[c] ? "text" : "");
            if (isLong) made.title = text;
        });
    }
}

function frameHeight(data) {
    if (data.kind === "ranges") return 90 + 44 * data.layers.length;
    if (data.horizontal) return 110 + 38 * data.labels.length;
    return data.kind === "histogram" ? 280 : 360;
}

function addSection(parent, section) {
    const made = element("section", null, parent);
    made.id = section.id;
    element("h3", section.title, made);
    element("p", section.note, made, "note");
    const kinds = section.charts.map(chart => chart.kind);
    const grid = element("div", null, made, "charts");
    if (kinds.length > 1) grid.classList.add(kinds[0] === "heatmap" ? "maps" : "several");
    section.charts.forEach((data, i) => {
        const chart = element("div", null, grid, "chart");
        if (data.title) element("h4", data.title, chart);
        const frame = element("div", null, chart, "frame");
        frame.style.height = frameHeight(data) + "px";
        const canvas = element("canvas", null, frame);
        canvas.id = section.id + "-" + i;
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", section.title + (data.title ? ": " + data.title : ""));
        drawings.push({ canvas, frame, data, chart: null });
    });
    if (section.table) addTable(made, section.table);
}

function addFolder(parent, folder) {
    element("h2", folder.kind + ": " + folder.folder, parent);
    const figures = element("ul", null, parent, "figures");
    for (const [name, value] of folder.figures) {
        const item = element("li", null, figures);
        element("b", value, item);
        element("span", name, item);
    }
    for (const section of folder.sections) addSection(parent, section);
    element("h3", "What ran", parent);
    const facts = element("table", null, parent, "facts");
    for (const [name, value] of folder.facts) {
        const row = element("tr", null, facts);
        element("td", name, row);
        element("td", value, row);
    }
    if (!folder.configuration) return;
    const details = element("details", null, parent);
    element("summary", "Configuration, resolved", details);
    element("pre", folder.configuration, details);
}

// How many pixels have a colour: axes and limits are grey or black, so that a chart without data has none. For tests.
function colouredPixels(canvas) {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let coloured = 0;
    for (let i = 0; i < data.length; i += 4) {
        const most = Math.max(data[i], data[i + 1], data[i + 2]), least = Math.min(data[i], data[i + 1], data[i + 2]);
        if (data[i + 3] > 64 && most - least > 40) ++coloured;
    }
    return coloured;
}

function draw(chosen) {
    theme = chosen;
    for (const drawing of drawings) {
        if (drawing.chart) drawing.chart.destroy();
        drawing.chart = null;
        if (drawing.data.kind === "heatmap") drawHeatmap(drawing.canvas, drawing.frame, drawing.data);
        else drawing.chart = new Chart(drawing.canvas, makers[drawing.data.kind](drawing.data));
        drawing.canvas.dataset.drawn = colouredPixels(drawing.canvas);
    }
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
function drawForScreen() {
    draw(dark.matches ? themes.dark : themes.light);
}

function build() {
    document.title = report.title + ": " + report.folders.map(folder => folder.folder).join(", ");
    const main = document.getElementById("report");
    element("h1", report.title, main);
    for (const section of report.sections) addSection(main, section);
    for (const folder of report.folders) addFolder(main, folder);
    element("footer", "Made by widthwise " + report.version + ". Charts: Chart.js " + Chart.version + " (MIT).", main);
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    drawForScreen();
    dark.addEventListener("change", drawForScreen);
    const small = window.matchMedia("(max-width: 600px)");
    small.addEventListener("change", drawForScreen);
    // On paper: light colours, and the tables that fit a page or so.
    const kMostRowsOnPaper = 40;
    let opened = [];
    window.addEventListener("beforeprint", () => {
        opened = [...document.querySelectorAll("details:not([open])")]
            .filter(details => details.querySelectorAll("tr").length <= kMostRowsOnPaper);
        for (const details of opened) details.open = true;
        draw(themes.light);
    });
    window.addEventListener("afterprint", () => {
        for (const details of opened) details.open = false;
        drawForScreen();
    });
}

build();
