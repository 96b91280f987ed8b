//! List prices of us-east-1 in dollars, without free tiers and discounts. As of August 2026;
//! look at the pages again before you trust a bill to them.

/// Hours of a month, as AWS reckons.
pub const HOURS_PER_MONTH: f64 = 730.0;
const MILLION: f64 = 1e6;

/// A price, and where it is from.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// What is billed.
    pub what: &'static str,
    /// Dollars for one of it.
    pub dollars: f64,
    /// How the price list puts it.
    pub listed: &'static str,
    /// AWS's page.
    pub source: &'static str,
}

/// One read unit on demand: 4 KB, read consistently.
pub const READ_UNIT: Price = Price {
    what: "DynamoDB read unit",
    dollars: 0.125 / MILLION,
    listed: "$0.125 per million",
    source: "https://aws.amazon.com/dynamodb/pricing/on-demand/",
};

/// One write unit on demand: 1 KB.
pub const WRITE_UNIT: Price = Price {
    what: "DynamoDB write unit",
    dollars: 0.625 / MILLION,
    listed: "$0.625 per million",
    source: "https://aws.amazon.com/dynamodb/pricing/on-demand/",
};

/// One request to a FIFO queue, for each 64 KB.
pub const SQS_FIFO: Price = Price {
    what: "SQS request, FIFO",
    dollars: 0.50 / MILLION,
    listed: "$0.50 per million",
    source: "https://aws.amazon.com/sqs/pricing/",
};

/// One PUT, COPY, POST or LIST.
pub const S3_WRITE: Price = Price {
    what: "S3 PUT, POST or LIST",
    dollars: 0.005 / 1e3,
    listed: "$0.005 per thousand",
    source: "https://aws.amazon.com/s3/pricing/",
};

/// One GET or HEAD.
pub const S3_READ: Price = Price {
    what: "S3 GET or HEAD",
    dollars: 0.0004 / 1e3,
    listed: "$0.0004 per thousand",
    source: "https://aws.amazon.com/s3/pricing/",
};

/// One request to KMS.
pub const KMS: Price = Price {
    what: "KMS request",
    dollars: 0.03 / 1e4,
    listed: "$0.03 per ten thousand",
    source: "https://aws.amazon.com/kms/pricing/",
};

/// One request to an HTTP API, for each 512 KB.
pub const HTTP_API: Price = Price {
    what: "HTTP API request",
    dollars: 1.00 / MILLION,
    listed: "$1.00 per million",
    source: "https://aws.amazon.com/api-gateway/pricing/",
};

/// One call of a function.
pub const LAMBDA_REQUEST: Price = Price {
    what: "Lambda request",
    dollars: 0.20 / MILLION,
    listed: "$0.20 per million",
    source: "https://aws.amazon.com/lambda/pricing/",
};

/// A function of one GB for one second.
pub const LAMBDA_GB_SECOND: Price = Price {
    what: "Lambda GB-second, arm64",
    dollars: 0.000_013_333_4,
    listed: "$0.0000133334",
    source: "https://aws.amazon.com/lambda/pricing/",
};

/// One virtual CPU of Fargate for one hour.
pub const FARGATE_CPU_HOUR: Price = Price {
    what: "Fargate vCPU-hour, arm64",
    dollars: 0.032_38,
    listed: "$0.03238",
    source: "https://aws.amazon.com/fargate/pricing/",
};

/// One GB of memory of Fargate for one hour.
pub const FARGATE_GB_HOUR: Price = Price {
    what: "Fargate GB-hour, arm64",
    dollars: 0.003_56,
    listed: "$0.00356",
    source: "https://aws.amazon.com/fargate/pricing/",
};

/// One public IPv4 address for one hour.
pub const IPV4_HOUR: Price = Price {
    what: "Public IPv4 address, hour",
    dollars: 0.005,
    listed: "$0.005",
    source: "https://aws.amazon.com/vpc/pricing/",
};

/// Every price that the page uses.
pub const ALL: [Price; 12] = [
    READ_UNIT,
    WRITE_UNIT,
    SQS_FIFO,
    S3_WRITE,
    S3_READ,
    KMS,
    HTTP_API,
    LAMBDA_REQUEST,
    LAMBDA_GB_SECOND,
    FARGATE_CPU_HOUR,
    FARGATE_GB_HOUR,
    IPV4_HOUR,
];
