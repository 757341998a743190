// SPDX-License-Identifier: Apache-2.0
// Errors are shown instead of lost; colours for light, dark and paper; numbers as people read them.
"use strict";

const problems = [];
function reportProblem(text) {
    problems.push(text);
    document.documentElement.dataset.problems = problems.length;
    const place = document.getElementById("problems");
    place.hidden = false;
    place.textContent = "This page met an error: " + problems.join("; ");
}
document.documentElement.dataset.problems = 0;
window.addEventListener("error", event => reportProblem(event.message));
window.addEventListener("unhandledrejection", event => reportProblem(String(event.reason)));
document.addEventListener("securitypolicyviolation", event => reportProblem("blocked: " + event.blockedURI));

// The palette of Okabe and Ito, which colour-blind readers can tell apart.
const okabeIto = {
    blue: "#0072b2", orange: "#e69f00", green: "#009e73", vermillion: "#d55e00", purple: "#cc79a7", sky: "#56b4e9",
    yellow: "#f0e442", grey: "#999999"
};
const palettes = {
    lines: ["blue", "vermillion", "green", "purple", "orange", "sky", "grey", "yellow"],
    components: {
        multiply: "blue", add: "orange", registers: "vermillion", buffers: "sky", requant: "green", pool: "yellow",
        dram: "purple", control: "grey"
    },
    stalls: {
        compute: "blue", "stall: skew": "grey", "stall: drain": "orange", "stall: dram": "purple",
        "stall: weights": "green", "stall: port_conflict": "vermillion", "stall: fill": "sky",
        "stall: activations": "yellow"
    }
};
function colourOf(palette, name, index) {
    const named = palettes[palette];
    return okabeIto[(Array.isArray(named) ? undefined : named && named[name]) ||
                    palettes.lines[index % palettes.lines.length]];
}

const themes = {
    light: { paper: "#ffffff", ink: "#1b1f24", muted: "#56606c", rule: "#d5dae0" },
    dark: { paper: "#14171b", ink: "#e8ebee", muted: "#a3adb8", rule: "#39414a" }
};
let theme = themes.light;

// 12345.678 as "12,346"; at least four digits count.
function readable(value) {
    if (typeof value !== "number") return value;
    if (Number.isInteger(value)) return value.toLocaleString("en");
    const size = Math.abs(value);
    const decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
    if (size < 0.001) return value.toPrecision(3);
    return value.toLocaleString("en", { maximumFractionDigits: decimals });
}

function narrow() {
    return document.documentElement.clientWidth < 600;
}
