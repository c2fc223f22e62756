/** Options of the connections to all servers. */
export interface ConnectionOptions {
  isEncrypted: boolean;
  user: string;
  password: string;
  /** Number of the database, 0 in a cluster. */
  database: number;
  /** Milliseconds that a server may take to answer. */
  timeout: number;
}
