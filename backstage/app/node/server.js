'use strict';

const http = require('node:http');

const server = http.createServer((request, response) => {
  response.end('Hello from ${{ values.name }}\n');
});
server.listen(8080);
process.on('SIGTERM', () => server.close());
