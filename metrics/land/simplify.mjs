// Writes land.json from land-50m.json of world-atlas: see README.md.
import { readFileSync, writeFileSync } from "node:fs";
import { feature } from "topojson-client";
import { filter, filterWeight, planarRingArea, presimplify, simplify } from "topojson-simplify";

// Square degrees. Larger numbers remove more points of coasts and larger islands.
const MIN_TRIANGLE = 0.045;
const MIN_ISLAND = 0.4;
const [source, target] = process.argv.slice(2);
const simple = simplify(presimplify(JSON.parse(readFileSync(source))), MIN_TRIANGLE);
const atlas = filter(simple, filterWeight(simple, MIN_ISLAND, planarRingArea));

// A line for each coast and each inland sea: longitude and latitude of its first point, then the steps to the next ones, in
// tenths of a degree.
const lines = [];
for (const { geometry } of feature(atlas, atlas.objects.land).features) {
  for (const polygon of geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates) {
    for (const ring of polygon) {
      const points = ring.map(([x, y]) => [Math.round(x * 10), Math.round(y * 10)]);
      const steps = points.map(([x, y], i) => (i ? [x - points[i - 1][0], y - points[i - 1][1]] : [x, y]));
      const moves = steps.filter(([x, y], i) => i === 0 || x || y);
      if (moves.length > 3) lines.push(JSON.stringify(moves.flat()));
    }
  }
}
writeFileSync(target, `[\n${lines.join(",\n")}\n]\n`);
