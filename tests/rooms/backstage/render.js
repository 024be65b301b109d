// Texts as Backstage renders them: nunjucks with `${{` and `}}`, nothing escaped (SecureTemplater.ts); in the input of a
// step a text that is one expression alone keeps its type (NunjucksWorkflowRunner.ts). Entities as its packages check
// them, Kubernetes' objects as the schemas of Kubernetes and of Argo CD do.
// In: {render: [[text, values, typed]...], entities: [...]}; out: {rendered: [...], refused: [text or null...]}.
'use strict';

const nunjucks = require('nunjucks');

const environment = nunjucks.configure({ autoescape: false, tags: { variableStart: '${{', variableEnd: '}}' } });
const ALONE = /^\$\{\{((?:(?!\}\}).)+)\}\}$/;

function rendered([text, values, typed]) {
  const alone = typed && ALONE.exec(text);
  if (!alone) return environment.renderString(text, values);
  const dumped = environment.renderString('${{ (' + alone[1] + ') | dump }}', values);
  return dumped === '' ? null : JSON.parse(dumped);
}

const OBJECTS = {
  Application: '@kubernetes-models/argo-cd/argoproj.io/v1alpha1/Application',
  Deployment: 'kubernetes-models/apps/v1/Deployment',
  Service: 'kubernetes-models/v1/Service',
};

async function refused(entity) {
  if (!OBJECTS[entity.kind]) return refusedByBackstage(entity);
  const Model = require(OBJECTS[entity.kind])[entity.kind];
  try {
    new Model(entity).validate();
    return Model.is(entity) ? null : `${entity.apiVersion} is another one's`;
  } catch (error) {
    return String(error);
  }
}

async function refusedByBackstage(entity) {
  // They take a second to load, and most calls have no entity.
  const { templateEntityV1beta3Validator } = require('@backstage/plugin-scaffolder-common');
  const model = require('@backstage/catalog-model');
  const kinds = { Template: templateEntityV1beta3Validator, Component: model.componentEntityV1alpha1Validator };
  try {
    await new model.FieldFormatEntityPolicy(model.makeValidator()).enforce(entity);
    return (await kinds[entity.kind].check(entity)) ? null : `${entity.apiVersion} is another one's`;
  } catch (error) {
    return String(error);
  }
}

let input = '';
process.stdin.on('data', (chunk) => { input += chunk; });
process.stdin.on('end', async () => {
  const asked = JSON.parse(input);
  const answer = { rendered: (asked.render || []).map(rendered), refused: [] };
  for (const entity of asked.entities || []) answer.refused.push(await refused(entity));
  process.stdout.write(JSON.stringify(answer));
});
