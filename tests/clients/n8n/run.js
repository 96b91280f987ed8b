'use strict';

// One operation of the node, as n8n would run it. Reads
// `{ "url", "apikey", "parameters" }` from stdin, and writes `{ "json" }` or `{ "error" }`.

const { text } = require('node:stream/consumers');
const { EvolutionApi } = require('n8n-nodes-evolution-api/dist/nodes/EvolutionApi/EvolutionApi.node.js');

// n8n's old request helper, as far as the node uses it: what is no 2xx is thrown.
async function request({ method, uri, headers, body, json }) {
  if (!json) throw new Error('only JSON is asked for');
  const response = await fetch(uri, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${response.status} - ${answer}`);
  return JSON.parse(answer);
}

// What a node sees of n8n. A parameter that the form does not show has no value.
function context({ url, apikey, parameters }) {
  return {
    getInputData: () => [{ json: {} }],
    getNode: () => ({ name: 'Evolution API', type: 'evolutionApi' }),
    continueOnFail: () => false,
    getCredentials: async () => ({ 'server-url': url, apikey }),
    getNodeParameter: (path, _item, fallback) => {
      const found = path.split('.').reduce((value, key) => value?.[key], parameters) ?? fallback;
      if (found === undefined) throw new Error(`Could not get parameter "${path}"`);
      return found;
    },
    helpers: {
      request,
      returnJsonArray: (data) => (Array.isArray(data) ? data : [data]),
    },
  };
}

async function main() {
  const asked = JSON.parse(await text(process.stdin));
  try {
    const [[item]] = await new EvolutionApi().execute.call(context(asked));
    return { json: item.json };
  } catch (error) {
    return { error: { message: error.message, description: error.description } };
  }
}

main().then((told) => process.stdout.write(JSON.stringify(told)));
