'use strict';

// A node says what went wrong by these. n8n shows `message` and `description`.
class NodeError extends Error {
  constructor(_node, error, options = {}) {
    super(options.message ?? error.message ?? String(error));
    this.description = options.description ?? error.description;
  }
}

exports.NodeOperationError = class NodeOperationError extends NodeError {};
exports.NodeApiError = class NodeApiError extends NodeError {};
