// The types that tests validate the dashboards against, from Grafana's own schema package (Copyright Grafana Labs, Apache-2.0).
// To follow the Grafana of docker-compose.yml, in an empty folder with this file and Node 20:
//   npm install @grafana/schema@13.2.2 ts-json-schema-generator@2.4.0
//   sed -i 's/"exports"/"unused"/' node_modules/@grafana/schema/package.json    # the types of panels are not exported
//   npx ts-json-schema-generator --path source.ts --type Everything --no-type-check --expose none --no-top-ref --jsDoc none -o schema.json
// Then write it without its empty "definitions", on one line with sorted keys, as VERSION.json.
import * as raw from '@grafana/schema/dist/types/raw/dashboard/x/types.gen';
import * as common from '@grafana/schema/dist/types/common/common.gen';
import * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import * as bargauge from '@grafana/schema/dist/types/raw/composable/bargauge/panelcfg/x/types.gen';
import * as geomap from '@grafana/schema/dist/types/raw/composable/geomap/panelcfg/x/types.gen';
import * as statetimeline from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen';

/** What the Prometheus data source reads of an annotation. Its queries and these fields are in no published schema. */
interface PrometheusAnnotation extends Omit<raw.AnnotationQuery, 'target'> {
  target?: Record<string, unknown>; tagKeys?: string; textFormat?: string; titleFormat?: string;
}
export interface Dashboard extends Omit<raw.Dashboard, 'annotations'> { annotations?: { list?: Array<PrometheusAnnotation> } }
export interface Options {
  geomap: geomap.Options;
  stat: stat.Options;
  table: table.Options;
  timeseries: timeseries.Options;
  bargauge: bargauge.Options;
  'state-timeline': statetimeline.Options;
}
export interface Custom {
  // Its module adds only this one.
  geomap: common.HideableFieldConfig;
  table: table.FieldConfig;
  timeseries: timeseries.FieldConfig;
  'state-timeline': statetimeline.FieldConfig;
}
export interface Everything { dashboard: Dashboard; options: Options; custom: Custom; defaults: raw.FieldConfig }
